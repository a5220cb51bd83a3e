"""What the pages say, in English and Chinese."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

LANGUAGES = {"en": "English", "zh": "中文"}

Say: TypeAlias = Callable[..., str]

_WORDS: dict[str, tuple[str, str]] = {
    "skip": ("Skip to content", "跳到正文"),
    "search": ("Search", "搜索"),
    "search_for": ("Search products", "搜索商品"),
    "search_hint": ("What are you looking for?", "您在找什么？"),
    "clusters": ("Clusters", "商品群"),
    "shoppers": ("Shoppers", "顾客"),
    "quality": ("Quality", "效果"),
    "api": ("API", "接口"),
    "main_navigation": ("Main", "主导航"),
    "theme": ("Switch between light and dark", "切换浅色与深色"),
    "home_title": ("Find the right product", "找到合适的商品"),
    "home_lead": (
        "Search by words and by meaning, browse clusters made from the products themselves, and see what shoppers buy.",
        "按词语和含义搜索，浏览由商品自动形成的商品群，看看顾客都在买什么。",
    ),
    "products_n": ("{n} products", "{n} 件商品"),
    "shoppers_n": ("{n} shoppers", "{n} 位顾客"),
    "clusters_n": ("{n} clusters", "{n} 个商品群"),
    "popular": ("Popular now", "热门商品"),
    "browse": ("Browse by cluster", "按商品群浏览"),
    "all_clusters": ("All clusters", "全部商品群"),
    "results_for": ("Results for “{query}”", "“{query}”的搜索结果"),
    "everything": ("All products", "全部商品"),
    "results_n": ("{n} products match", "共 {n} 件商品"),
    "result_1": ("1 product matches", "共 1 件商品"),
    "nothing": ("Nothing found", "没有找到商品"),
    "nothing_hint": (
        "Try fewer or other words, or remove a filter.",
        "请减少或更换搜索词，或移除筛选条件。",
    ),
    "corrected": ("Showing results for “{query}”", "已显示“{query}”的结果"),
    "took": ("{ms} ms", "{ms} 毫秒"),
    "filters": ("Filters", "筛选"),
    "to_filters": ("Filters", "筛选"),
    "remove_filter": ("Remove filter: {name}", "移除筛选：{name}"),
    "clear_filters": ("Clear all", "全部清除"),
    "brand": ("Brand", "品牌"),
    "category": ("Category", "类目"),
    "cluster": ("Cluster", "商品群"),
    "price": ("Price", "价格"),
    "price_from": ("Lowest price", "最低价格"),
    "price_to": ("Highest price", "最高价格"),
    "apply": ("Apply", "确定"),
    "more_values": ("{n} more", "还有 {n} 项"),
    "from_price": ("from {price}", "{price} 起"),
    "to_price": ("up to {price}", "不超过 {price}"),
    "why": ("Why this?", "推荐理由"),
    "why_title": ("Why “{title}” is here", "为什么推荐“{title}”"),
    "other": ("everything else", "其他因素"),
    "variants_n": ("{n} variants", "{n} 个同款"),
    "variants_text": (
        "{n} products are alike in every attribute and shown as this one.",
        "{n} 件商品的全部属性相同，合并显示为这一件。",
    ),
    "page": ("Page {page} of {pages}", "第 {page} / {pages} 页"),
    "pages": ("Pages", "分页"),
    "previous": ("Previous", "上一页"),
    "next": ("Next", "下一页"),
    "home": ("Home", "首页"),
    "path": ("You are here", "当前位置"),
    "details": ("Details", "商品信息"),
    "id": ("Id", "编号"),
    "similar": ("Similar products", "相似商品"),
    "similar_lead": ("By title, attributes and what shoppers buy.", "依据标题、属性和购买行为。"),
    "together": ("Bought together", "常一起购买"),
    "together_lead": ("What was in the same baskets.", "出现在同一购物篮中的商品。"),
    "together_none": ("Not enough purchases yet to say.", "购买记录还不够多。"),
    "similar_none": ("Nothing is like it yet.", "暂无相似商品。"),
    "reviews": ("What reviews say", "评价"),
    "reviews_n": ("{share} praise in {n} reviews", "{n} 条评价，好评 {share}"),
    "review_1": ("{share} praise in 1 review", "1 条评价，好评 {share}"),
    "reviews_stars": ("{stars} of 5 stars", "{stars} / 5 星"),
    "reviews_usual": ("The shop's mean is {share}.", "全店平均 {share}。"),
    "reviews_none": ("Nobody has reviewed it yet.", "暂无评价。"),
    "reviews_learned": ("Learned from this shop's rated reviews.", "根据本店带评分的评价学习得出。"),
    "reviews_lexicon": (
        "Judged by a word list, as there are too few ratings to learn from.",
        "评分太少，暂按词表判断。",
    ),
    "aspect_price": ("Price", "价格"),
    "aspect_quality": ("Quality", "质量"),
    "aspect_size": ("Size", "尺寸"),
    "aspect_look": ("Look", "外观"),
    "aspect_comfort": ("Comfort", "舒适"),
    "aspect_taste": ("Taste", "味道"),
    "aspect_smell": ("Smell", "气味"),
    "aspect_delivery": ("Delivery", "物流"),
    "aspect_packaging": ("Packaging", "包装"),
    "aspect_service": ("Service", "服务"),
    "aspect_battery": ("Battery", "电池"),
    "aspect_screen": ("Screen", "屏幕"),
    "aspect_sound": ("Sound", "声音"),
    "aspect_speed": ("Speed", "速度"),
    "aspect_ease": ("Ease of use", "易用"),
    "aspect_camera": ("Camera", "拍照"),
    "aspect_effect": ("Effect", "效果"),
    "aspect_room": ("Room", "房间"),
    "aspect_location": ("Location", "位置"),
    "aspect_content": ("Content", "内容"),
    "in_cluster": ("In cluster", "所属商品群"),
    "clusters_lead": (
        "Groups found from what the products say of themselves; none is in two.",
        "由商品自身的信息自动形成，每件商品至多属于一个商品群。",
    ),
    "map": ("Map", "地图"),
    "categories": ("Categories", "类目"),
    "categories_none": (
        "This shop has learned no categories yet. Give it a file of products and their categories:",
        "本店尚未学习类目。请提供一份商品及其类目的文件：",
    ),
    "categories_lead": (
        "{classes} categories, learned from {labels} labelled products.",
        "从 {labels} 件已标注商品中学到 {classes} 个类目。",
    ),
    "categories_right": (
        "Of products that it was not shown, {share} get the right one.",
        "未参与学习的商品中，{share} 分类正确。",
    ),
    "categories_try": ("Find the category of a title", "查找标题的类目"),
    "categories_hint": ("e.g. red running shoes", "例如：红色跑步鞋"),
    "categories_find": ("Find", "查找"),
    "categories_or": ("or", "或"),
    "not_sure": ("not sure", "不确定"),
    "categories_ask": ("Labels that would teach most", "最值得标注的商品"),
    "categories_ask_lead": (
        "What it is least sure of, and unlike each other. Labels are kept, and learned from in the next build.",
        "系统最没有把握且彼此不同的商品。标注会保存，并在下次构建时学习。",
    ),
    "categories_save": ("Save", "保存"),
    "categories_saved": ("saved", "已保存"),
    "categories_curve": ("How sure, how right", "把握与准确率"),
    "categories_curve_lead": (
        "The fewer answers it may give, the more of them are right. Products held out while learning.",
        "回答越少，准确率越高。基于学习时留出的商品。",
    ),
    "categories_answered": ("% of products answered", "有回答的商品 %"),
    "categories_accuracy": ("% right", "正确 %"),
    "categories_found": ("What was found", "分类结果"),
    "categories_labelled": ("Labelled", "已标注"),
    "products": ("Products", "商品"),
    "map_lead": (
        "Every product is a point; like products lie near each other. Click one to open it.",
        "每个点是一件商品，相似的商品彼此靠近；点击可打开商品。",
    ),
    "map_label": ("Map of the catalog: every product is a point", "商品地图：每个点是一件商品"),
    "map_script": ("The map needs JavaScript. The same as a list:", "地图需要 JavaScript。也可以查看列表："),
    "drift_due": (
        "These clusters do not suit what comes in any more: of {n} new products {far} lie far from every cluster, "
        "{usual} is usual. It is time to cluster again:",
        "现有商品群已不适合新进商品：{n} 件新商品中有 {far} 远离所有商品群（通常为 {usual}）。请重新聚类：",
    ),
    "came_in": (
        "This came in since the build; search and similar products know it after the next one.",
        "此内容在本次构建之后录入，下次构建后才能被搜索和推荐。",
    ),
    "goes": ("This product is gone from the next build on.", "该商品将在下次构建后移除。"),
    "see_map": ("See them on the map.", "在地图上查看。"),
    "colour_by": ("Colour by", "着色依据"),
    "closer": ("Zoom in", "放大"),
    "farther": ("Zoom out", "缩小"),
    "how_many": ("How many clusters", "商品群的数量"),
    "inertia": ("Inertia", "惯性"),
    "silhouette": ("Silhouette", "轮廓系数"),
    "tree": ("Tree", "层次树"),
    "tree_lead": ("What is merged farther to the left is less alike.", "越靠左合并的商品群差异越大。"),
    "departments_n": ("{n} departments", "{n} 个部门"),
    "prices_of": ("Prices of most", "多数价格"),
    "revenue": ("Revenue", "销售额"),
    "apart": ("Sets it apart", "与众不同之处"),
    "borderline": ("On the border", "边界商品"),
    "borderline_lead": ("These are nearest to lying in another cluster.", "这些商品最接近其他商品群。"),
    "why_there": ("why there?", "为什么？"),
    "why_cluster": ("Why “{title}” is in {name}", "为什么“{title}”属于{name}"),
    "runner_up": ("The next nearest is {name}, {farther} farther.", "其次是{name}，距离远 {farther}。"),
    "why_parts": ("What makes the difference", "差别在哪里"),
    "why_shared": ("What it shares with the cluster", "与该商品群的共同点"),
    "why_what": ("Word or attribute", "词或属性"),
    "why_here": ("In the cluster", "群内"),
    "why_elsewhere": ("Elsewhere", "其他"),
    "why_moves": ("What would move it", "什么会使它移动"),
    "why_without": ("Without “{what}” it would be in {name}.", "没有“{what}”，它将属于{name}。"),
    "why_stays": (
        "No single word or field decides: without any of them it would stay.",
        "没有哪个词或字段起决定作用：去掉任何一个，它都会留下。",
    ),
    "cluster_filter": ("Filter clusters", "筛选商品群"),
    "keywords": ("Keywords", "关键词"),
    "typical_first": ("The most typical first.", "最具代表性的商品在前。"),
    "shopper_title": ("Shopper {id}", "顾客 {id}"),
    "shoppers_lead": (
        "Pick a shopper to see what they bought and what we would recommend, with reasons.",
        "选择一位顾客，查看其购买记录、推荐商品及理由。",
    ),
    "shopper_id": ("Shopper id", "顾客编号"),
    "show": ("Show", "查看"),
    "some_shoppers": ("Some shoppers", "部分顾客"),
    "recommended": ("Recommended", "为您推荐"),
    "recommended_by": ("By {used}; nothing bought before.", "算法：{used}；不含已购买的商品。"),
    "recommended_again": ("By {used}; products bought before may come again.", "算法：{used}；可能包含已购买的商品。"),
    "new_only": ("New products only", "只看新商品"),
    "with_repeats": ("With products bought before", "包含已购买的商品"),
    "history": ("History", "购买记录"),
    "history_n": ("{events} events with {products} products.", "{events} 条行为，涉及 {products} 件商品。"),
    "history_most": ("The {n} most frequent of them:", "其中最常出现的 {n} 件："),
    "attributes": ("Attributes", "属性"),
    "product": ("Product", "商品"),
    "times": ("Times", "次数"),
    "last": ("Last", "最近一次"),
    "quality_lead": (
        "Measured on events the models have not seen, beside popularity: what everybody gets. "
        "Whiskers are 95 % bootstrap intervals.",
        "用模型未见过的行为数据衡量，并与“热门推荐”（人人相同的推荐）比较。须线为 95% 自助法区间。",
    ),
    "quality_none": (
        "This build was not evaluated: it has no events, or evaluation is turned off.",
        "此版本未做评估：没有行为数据，或评估已关闭。",
    ),
    "recommender": ("Recommender", "推荐算法"),
    "blend": ("blend (what the shop uses)", "blend（本店所用）"),
    "popular_peer": ("popular (the baseline)", "popular（基线）"),
    "task_new": ("Products new to the shopper", "推荐顾客没买过的商品"),
    "task_repeat": ("Products to take again", "推荐再次购买的商品"),
    "task_n": ("{n} shoppers asked.", "测试顾客 {n} 位。"),
    "gap": (
        "NDCG {gap} against {peer}, 95 % interval {low} to {high}",
        "NDCG 与 {peer} 相比 {gap}，95% 区间 {low} 至 {high}",
    ),
    "gap_unsure": ("; no sure difference", "；差异不显著"),
    "cluster_sample": (
        "Measured on {n} products drawn at random.",
        "在随机抽取的 {n} 件商品上测得。",
    ),
    "agreement": ("Agreement with the categories", "与类目的一致程度"),
    "agreement_lead": (
        "Clusters made from {columns} alone, which say nothing of the category, held against it.",
        "仅用 {columns} 聚类（不含类目），再与类目比较。",
    ),
    "level_n": ("Level {n}: {categories} categories", "第 {n} 级：{categories} 个类目"),
    "numbers": ("The numbers", "具体数值"),
    "cluster_quality": ("Clusters", "商品群"),
    "interests": ("Interests", "兴趣"),
    "interests_lead": (
        "Shoppers in groups by what they take: more of it than shoppers on the whole. Times (×) say how much more.",
        "按购买内容划分的顾客群：倍数（×）表示比全体顾客多多少。",
    ),
    "interests_none": (
        "This shop has no interests of shoppers yet: they need events of 30 shoppers.",
        "本店尚无顾客兴趣：至少需要 30 位顾客的行为数据。",
    ),
    "interests_n": ("{n} interests", "{n} 个兴趣群"),
    "they_want": ("They want", "他们想要"),
    "they_will_want": ("They begin to want", "他们开始想要"),
    "rising": ("Rising", "上升中"),
    "tell": ("New here? Say who you are", "新顾客？介绍一下自己"),
    "tell_label": ("About yourself", "自我介绍"),
    "tell_hint": ("runner, two kids, likes green tea", "跑步，两个孩子，喜欢绿茶"),
    "tell_show": ("Recommend", "推荐"),
    "questions_n": ("Or answer up to {n} questions", "或回答最多 {n} 个问题"),
    "likely": ("How likely each interest is yours", "各兴趣的可能性"),
    "segments": ("How shoppers stand", "顾客分层"),
    "segments_lead": (
        "By how long ago they came (recency), how often (frequency) and what they spent (money), in fifths of all.",
        "按最近购买时间、购买频率和消费金额的五等分划分。",
    ),
    "segment": ("Segment", "分层"),
    "segment_champions": ("Champions", "冠军顾客"),
    "segment_loyal": ("Loyal", "忠诚顾客"),
    "segment_promising": ("Promising", "潜力顾客"),
    "segment_new": ("New", "新顾客"),
    "segment_regular": ("Regular", "普通顾客"),
    "segment_at_risk": ("At risk", "有流失风险"),
    "segment_cannot_lose": ("Cannot lose", "不可失去"),
    "segment_hibernating": ("Hibernating", "沉睡顾客"),
    "segment_lost": ("Lost", "已流失"),
    "means_champions": ("came lately, come often and spend much", "最近来过，常来，消费多"),
    "means_loyal": ("come often", "常来"),
    "means_promising": ("came lately, not often yet", "最近来过，还不常来"),
    "means_new": ("came lately for the first time", "最近第一次来"),
    "means_regular": ("in the middle of the shop's shoppers", "居于全体顾客中间"),
    "means_at_risk": ("came often, but not lately", "曾经常来，最近没来"),
    "means_cannot_lose": ("were among the best, and have not come for long", "曾是最好的顾客，久未到来"),
    "means_hibernating": ("came seldom, and not lately", "很少来，最近没来"),
    "means_lost": ("came seldom, and not for long", "很少来，久未到来"),
    "profile": ("Profile", "画像"),
    "profile_first": (
        "Mostly interested in {name}: {share} of the visits speak of it.",
        "最感兴趣：{name}（{share} 的购物体现）。",
    ),
    "profile_also": ("Also interested in {name}: {share} of the visits.", "也对{name}感兴趣（{share} 的购物）。"),
    "profile_segment": ("{name}: {means}.", "{name}：{means}。"),
    "profile_rhythm": (
        "Comes every {every} days, was here last on {last}; next expected {next}: {state}.",
        "每 {every} 天来一次，上次 {last}，预计下次 {next}：{state}。",
    ),
    "rhythm_active": ("within the usual time", "在正常间隔内"),
    "rhythm_due": ("a visit is due", "该来了"),
    "rhythm_overdue": ("overdue", "已过期"),
    "rhythm_lapsed": ("long overdue", "早已过期"),
    "profile_prices_cheaper": (
        "Pays {low} to {high} for a product, {middle} usually; mostly the cheaper ones of a kind.",
        "单件消费 {low} 至 {high}，通常 {middle}；同类中多选较便宜的。",
    ),
    "profile_prices_middle": (
        "Pays {low} to {high} for a product, {middle} usually.",
        "单件消费 {low} 至 {high}，通常 {middle}。",
    ),
    "profile_prices_dearer": (
        "Pays {low} to {high} for a product, {middle} usually; mostly the dearer ones of a kind.",
        "单件消费 {low} 至 {high}，通常 {middle}；同类中多选较贵的。",
    ),
    "profile_brand": ("Takes {brand} most: {share} of all.", "最常选 {brand}：占 {share}。"),
    "profile_brand_loyal": (
        "Takes {brand} most: {share} of all; of each shelf {loyalty} is of one brand.",
        "最常选 {brand}：占 {share}；同一货架上 {loyalty} 为同一品牌。",
    ),
    "visits": ("Visits", "到店次数"),
    "spent": ("Spent", "消费金额"),
    "every_days": ("Days between visits", "间隔天数"),
    "next_visit": ("Next expected", "预计下次"),
    "fifths": ("Recency · frequency · money", "时间 · 频率 · 金额"),
    "interests_over_time": ("Interests over time", "兴趣变化"),
    "due": ("Due again", "该再买了"),
    "due_lead": (
        "By this shopper's own rhythm, from three days on which it was taken.",
        "按该顾客自己的购买节奏（至少三次）。",
    ),
    "every": ("Every", "间隔"),
    "due_on": ("Due", "日期"),
    "days_n": ("{n} days", "{n} 天"),
    "alike": ("Shoppers alike", "相似顾客"),
    "alike_lead": ("Nearest in what they take and what it says.", "购买内容和含义最接近的顾客。"),
    "in_common": ("In common", "共同点"),
    "likeness": ("Likeness", "相似度"),
    "error_404": ("Not found", "未找到"),
    "error_422": ("That cannot be asked", "请求有误"),
    "error_503": ("The shop cannot answer", "商店暂时无法响应"),
    "error_500": ("Something went wrong", "出错了"),
    "back_home": ("Back to the home page", "返回首页"),
    "api_lead": (
        "Every answer of these pages as JSON. The same document for machines: ",
        "页面上的所有结果均可以 JSON 获取。供程序使用的接口文档：",
    ),
    "errors": ("Errors", "错误"),
    "errors_lead": ("Every error answers with its status and", "所有错误都返回相应状态码及"),
    "parameters": ("Parameters", "参数"),
    "required": ("required", "必填"),
    "default": ("default {value}", "默认 {value}"),
    "answers": ("Answers", "响应"),
    "try_it": ("Try it", "试一试"),
    "footer": ("Served by wares", "由 wares 提供"),
    "build": ("build {name}", "版本 {name}"),
}


def language(accepted: str, chosen: str = "", fallback: str = "en") -> str:
    """The language to speak: the one chosen, else the best of an Accept-Language header, else that of the catalog."""
    if chosen in LANGUAGES:
        return chosen
    for tag in _by_weight(accepted):
        short = tag.partition("-")[0].lower()
        if short in LANGUAGES:
            return short
    return fallback


def _by_weight(accepted: str) -> Iterable[str]:
    weighed = []
    for place, part in enumerate(accepted.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        number = weight.strip().replace(".", "", 1)
        quality = float(weight) if number.isascii() and number.isdigit() else (0.0 if weight else 1.0)
        if tag and quality > 0:
            weighed.append((-quality, place, tag))
    return [tag for _, _, tag in sorted(weighed)]


def speaker(language: str) -> Say:
    """The function that says a phrase in that language."""
    column = list(LANGUAGES).index(language)

    def say(key: str, **values: Any) -> str:
        return _WORDS[key][column].format(**values)

    return say


def has(key: str) -> bool:
    """Whether there is such a phrase."""
    return key in _WORDS
