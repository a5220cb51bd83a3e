"""Which column of a source is which of ours: by name in English and Chinese, or as the caller says."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from wares.errors import DataError, SettingError, did_you_mean

PRODUCT: dict[str, str] = {
    "id": """id, product id, item id, productid, sku, sku id, asin, stock code, article number, article id,
        product code, item code, item number, product number, item no, product no, parent asin, gtin, ean,
        upc, barcode, code, handle, product, item, uniq id, pid, iid, spu, spu id, goods id, offer id,
        商品id, 商品编号, 商品编码, 商品号, 商品代码, 产品id, 产品编号, 产品编码, 货号, 编号, 编码, 款号, 条码, 条形码,
        物品id, 宝贝id, 商品, 产品""",
    "title": """title, name, product title, product name, product display name, display name, item name, item title,
        movie title, product, item, headline, label, short description, product short description, item description,
        product description, description, desc,
        标题, 商品标题, 商品名称, 商品名, 名称, 产品名称, 产品名, 产品标题, 品名, 宝贝标题, 宝贝名称,
        物品名称, 题目, 商品, 产品""",
    "description": """description, product description, long description, full description, item description, body,
        body html, details, desc, about, about product, summary, overview, text, features, product details,
        描述, 商品描述, 产品描述, 详情, 商品详情, 详细描述, 简介, 商品简介, 介绍, 说明""",
    "brand": """brand, brand name, product brand, manufacturer, maker, vendor, label, marque,
        品牌, 品牌名, 品牌名称, 商品品牌, 制造商, 厂商, 生产商, 厂家""",
    "category": """category, categories, category path, category name, product category, product category tree,
        category tree, product type, type, item category, department, main category, class, product class, genre,
        genres, taxonomy, google product category, cat, group name, article type,
        类目, 类别, 分类, 品类, 商品类目, 商品类别, 商品分类, 类目路径, 产品类别, 产品分类, 种类, 类型""",
    "price": """price, unit price, sale price, selling price, current price, final price, list price, retail price,
        discounted price, actual price, price usd, price eur, amount, cost, msrp, mrp, our price,
        价格, 单价, 售价, 商品价格, 销售价, 现价, 零售价, 价钱, 原价, 金额""",
    "rating": """rating, ratings, average rating, avg rating, product rating, stars, star rating, score, review score,
        评分, 平均评分, 商品评分, 星级, 得分""",
    "stock": """stock, stock quantity, inventory, in stock, available quantity, units in stock, on hand, availability,
        库存, 库存量, 库存数量, 现货""",
    "image": """image, image url, image link, image path, picture, photo, img, img url, thumbnail, main image, images,
        link image, 图片, 图片链接, 图片地址, 商品图片, 主图, 图像""",
    "seller": """seller, seller name, shop, shop name, store, store name, merchant, merchant name, retailer,
        店名, 店铺, 店铺名, 店铺名称, 商家, 卖家, 商店""",
    "group": """group, group id, item group id, variant group, parent id, variant of, parent sku, parent,
        组, 分组, 商品组, 款式组""",
    "created": """created, created at, creation date, date added, added, added at, release date, published,
        published at, launch date, first available, available since, update time, updated at, date,
        创建时间, 上架时间, 上架日期, 创建日期, 发布时间, 上市时间, 更新时间, 日期""",
}
EVENT: dict[str, str] = {
    "shopper": """shopper, shopper id, user, user id, userid, uid, customer, customer id, customer no, customer number,
        client, client id, visitor, visitor id, member, member id, household, household id, account, account id, buyer,
        buyer id, reviewer id, reviewer, person, person id, consumer id, cust id,
        用户, 用户id, 用户编号, 用户名, 客户, 客户id, 客户编号, 顾客, 顾客id, 会员, 会员id, 会员编号, 买家, 买家id""",
    "product": """product, product id, productid, item, item id, itemid, sku, sku id, asin, parent asin, stock code,
        article, article id, product code, item code, movie id, book id, track id, pid, iid, goods id, content id,
        商品, 商品id, 商品编号, 商品编码, 产品, 产品id, 产品编号, 货号, 物品id, 宝贝id, 编码""",
    "kind": """kind, event, event type, event name, action, action type, behavior, behaviour, behavior type,
        behaviour type, type, interaction, interaction type, activity,
        行为, 行为类型, 事件, 事件类型, 动作, 操作, 操作类型, 类型""",
    "at": """at, time, timestamp, date, datetime, event time, event date, event timestamp, created at, order date,
        order time, purchase date, purchase time, invoice date, transaction date, transaction time,
        transaction timestamp, transaction datetime, review time, unix review time, day, ts, occurred at, when, t dat,
        order purchase timestamp,
        时间, 时间戳, 日期, 行为时间, 事件时间, 购买时间, 购买日期, 下单时间, 下单日期,
        订单时间, 订单日期, 交易时间, 交易日期""",
    "value": """value, quantity, qty, units, count, rating, score, stars, overall, item quantity, order quantity,
        数量, 购买数量, 件数, 评分, 打分, 星级, 得分""",
    "query": "query, search query, search term, search, keyword, keywords, 查询, 搜索词, 关键词, 搜索",
    "session": "session, session id, sessionid, user session, visit id, visit, 会话, 会话id, 访问id",
    "basket": """basket, basket id, invoice, invoice no, invoice number, invoice id, order, order id, order no,
        order number, transaction id, transaction, receipt, receipt id, cart id, bill no,
        订单, 订单id, 订单号, 订单编号, 购物篮, 发票号, 交易号, 小票号""",
    "id": "id, event id, eventid, row id, uuid, 事件id, 事件编号, 流水号, 记录id",
}
LEVELS = (
    ("department", "productcategory", "producttype"),
    ("department", "category", "subcategory"),
    ("mastercategory", "subcategory", "articletype"),
    ("maincategory", "subcategory", "subsubcategory"),
    ("category1", "category2", "category3", "category4", "category5"),
    ("categorylevel1", "categorylevel2", "categorylevel3", "categorylevel4", "categorylevel5"),
    ("categoryl1", "categoryl2", "categoryl3", "categoryl4", "categoryl5"),
    ("level1", "level2", "level3", "level4", "level5"),
    ("l1", "l2", "l3", "l4", "l5"),
    ("lvl1", "lvl2", "lvl3", "lvl4", "lvl5"),
    ("category", "subcategory"),
    ("category", "subcategory", "subsubcategory"),
    ("一级类目", "二级类目", "三级类目", "四级类目"),
    ("一级分类", "二级分类", "三级分类", "四级分类"),
    ("一级品类", "二级品类", "三级品类"),
    ("大类", "中类", "小类"),
)
"""Columns that make a category path together, topmost first; the set of which most are there is taken, two at least."""

POSITION = "#"
"""A mapping to "#2" means the second column; to "#row", the line a row stands on."""

Mapped = dict[str, tuple[str, ...]]
"""Our name -> the source's columns (several only for the levels of a category)."""


def bare(name: str) -> str:
    """A column name without case, spaces, punctuation and type suffix (`item_id:token`)."""
    text = unicodedata.normalize("NFKC", without_type(name)).lower()
    return "".join(letter for letter in text if letter.isalnum())


def without_type(name: str) -> str:
    """A column name without the type that some tools write behind it."""
    return re.sub(r":(token|float)(_seq)?$", "", name.strip())


_SYNONYMS: dict[int, dict[str, list[str]]] = {}


def _synonyms(table: Mapping[str, str]) -> dict[str, list[str]]:
    if id(table) not in _SYNONYMS:
        _SYNONYMS[id(table)] = {ours: [bare(word) for word in words.split(",")] for ours, words in table.items()}
    return _SYNONYMS[id(table)]


def recognise(columns: Sequence[str], table: Mapping[str, str], given: Mapping[str, str] | None, source: str) -> Mapped:
    """Which of `columns` is which of ours. What `given` says goes first; the rest by name.

    Raises DataError for a column that is not there, SettingError for a name of ours that there is not.
    """
    mapped: Mapped = {}
    for ours, theirs in (given or {}).items():
        if ours not in table and table is EVENT:
            raise SettingError(f"an event has no {ours!r}{did_you_mean(ours, table)} (there are {', '.join(table)})")
        mapped[ours] = _given(theirs, columns, source)
    taken = {column for group in mapped.values() for column in group}
    free = {bare(column): column for column in reversed(columns) if column not in taken}
    if table is PRODUCT and "category" not in mapped and (levels := _levels(free)):
        mapped["category"] = tuple(free.pop(level) for level in levels)
    for ours, synonyms in _synonyms(table).items():
        if ours in mapped:
            continue
        found = next((word for word in synonyms if word in free), None)
        if found is not None:
            mapped[ours] = (free.pop(found),)
    return mapped


def _given(theirs: str, columns: Sequence[str], source: str) -> tuple[str, ...]:
    if theirs in columns or theirs == POSITION + "row":
        return (theirs,)
    if theirs.startswith(POSITION) and theirs[1:].isdigit():
        if not 1 <= int(theirs[1:]) <= len(columns):
            raise DataError(f"{source} has {len(columns)} columns, so there is no column {theirs}")
        return (columns[int(theirs[1:]) - 1],)
    loose = {bare(column): column for column in reversed(columns)}
    parts = [part.strip() for part in theirs.split(">")] if ">" in theirs else [theirs]
    for part in parts:
        if part not in columns and bare(part) not in loose:
            there = ", ".join(map(repr, list(columns)[:20]))
            raise DataError(f"{source} has no column {part!r}{did_you_mean(part, columns)} (its columns: {there})")
    return tuple(part if part in columns else loose[bare(part)] for part in parts)


def _levels(free: Mapping[str, str]) -> tuple[str, ...]:
    best: tuple[str, ...] = ()
    for levels in LEVELS:
        there = tuple(level for level in levels if level in free)
        if len(there) > max(len(best), 1) and levels[0] in free:
            best = there
    return best


def check(mapped: Mapped, needed: Sequence[str], columns: Sequence[str], source: str) -> None:
    """Raises DataError where a needed column was not found, saying what is there and how to name it."""
    for ours in needed:
        if ours in mapped:
            continue
        there = ", ".join(map(repr, list(columns)[:20])) + (", …" if len(columns) > 20 else "")
        if len(columns) == 1:
            raise DataError(
                f"{source} has a single column {columns[0][:80]!r}, so no {ours}; is another delimiter used? "
                "Comma, tab, semicolon and | are seen by themselves; put one of these there"
            )
        hint = {
            "id": "; or use the line number: --map id=#row",
            "at": "; or keep the order of the rows: --map at=#row",
        }.get(ours, "")
        raise DataError(
            f"{source} has no column for {ours}; its columns: {there}. Name the right one: --map {ours}=COLUMN{hint}. "
            f"Where the first line is data already, by number: --map {ours}=#1"
        )
