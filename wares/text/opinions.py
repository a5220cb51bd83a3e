"""A small lexicon of praise and blame in English and Chinese, with what turns it round and what makes it stronger.

It stands in where nobody has rated anything. A text is scored clause by clause: words count 1 or 2 for or against,
"not" turns what follows shortly after round and weakens it, "very" makes it stronger, and what comes after a "but"
counts more than what stood before.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from wares.text import chinese
from wares.text.forms import normal

_GOOD = """
    good great nice fine love loved loves like likes liked enjoy enjoyed enjoys happy happier pleased glad satisfied
    satisfying recommend recommended comfortable comfy cosy cozy soft sturdy solid durable reliable reasonable
    affordable cheap bargain value fast quick quickly prompt easy easily simple smooth smoothly helpful friendly
    polite kind useful handy practical beautiful pretty cute lovely elegant stylish gorgeous attractive delicious
    tasty yummy fresh juicy crisp crispy sweet flavorful flavourful fragrant clean clear bright sharp quiet warm
    light lightweight compact sleek accurate precise safe secure well worth worthwhile better improved thanks thank
    pleasant delight delightful fun interesting touching moving insightful gentle fits perfectly properly genuine
    authentic original generous thoughtful impressive impressed works worked right nicely safely
"""
_VERY_GOOD = """
    excellent amazing awesome perfect fantastic wonderful superb outstanding brilliant best favorite favourite adore
    terrific marvelous marvellous flawless incredible exceptional stunning unbeatable phenomenal magnificent
"""
_BAD = """
    bad poor poorly cheaply disappointing disappoint disappointed disappoints disappointment dislike disliked hate
    hated broke broken break breaks breaking crack cracked cracks damaged damage defect defective faulty flaw flawed
    flimsy fragile weak thin uncomfortable hard stiff itchy rough scratchy tight loose small big short heavy bulky
    slow slowly late delayed delay lag laggy lags freezes frozen crash crashes crashed stuck difficult complicated
    confusing annoying annoyed rude unhelpful unfriendly dirty filthy stained stain smell smells smelly stinks stink
    odor odour noisy loud hot overheats overheating dim dark blurry fuzzy expensive overpriced pricey costly wrong
    missing incomplete leak leaks leaked leaking spilled spoiled spoilt rotten moldy mouldy stale bland sour bitter
    salty fade faded fades shrank shrunk shrinks torn tear ripped fake counterfeit imitation misleading cheated
    problem problems issue issues complain complaint fail failed fails failure failing unfortunately regret sorry
    ugly boring dull mediocre peeled peeling rust rusty rusted scratched scratches dead dies died drains unusable
    unreliable unsafe unhappy unsatisfied return returned returning refund refused ignored lost error errors bug
    bugs buggy
"""
_VERY_BAD = """
    terrible horrible awful worst worse useless worthless garbage trash junk crap rubbish scam disgusting pathetic
    dreadful atrocious nightmare waste wasted ruined ridiculous unacceptable fraud nasty lousy
"""
_PHRASES: dict[str, tuple[str, ...]] = {
    "praised": (
        "no (?:complaints?|problems?|issues?|regrets?)",
        "never (?:had )?an? (?:problem|issue)",
        "exceed(?:s|ed)? (?:all )?(?:my|our) expectations",
        "(?:does|did|do) the (?:job|trick)",
        "must have",
        "(?:4|four) stars?",
        "(?:would|will|ll) (?:definitely )?(?:buy|order|purchase) (?:\\w+ )?again",
        "like a glove",
        "as (?:described|advertised|expected|pictured)",
        "use (?:it|them|this) (?:every|each) day",
        "not (?:be )?disappoint(?:ed)?",
    ),
    "verypraised": (
        "(?:5|five) stars?",
        "could ?n'?t be (?:happier|better|more pleased)",
        "could not be (?:happier|better|more pleased)",
        "can'?t (?:go wrong|say enough)",
    ),
    "blamed": (
        "could (?:be|have been) (?:better|nicer)",
        "expected (?:better|more)",
        "wanted to (?:like|love)",
        "(?:2|two) stars?",
        "s[eo]n[dt] (?:it|them|this) back",
        "nothing like",
        "not as (?:described|advertised|expected|pictured)",
    ),
    "veryblamed": (
        "(?:don'?t|do not) (?:waste|bother|buy)",
        "(?:save|wast(?:e|ed|ing)) (?:of )?(?:your|my|our)? ?(?:money|time)",
        "(?:1|one|zero|0) stars?",
        "(?:stopped|quit|stops) working",
        "(?:doesn'?t|didn'?t|don'?t|won'?t|not|never|no longer) (?:even )?work(?:ed|s|ing)?",
        "(?:fell|falls|falling|came) apart",
        "never (?:arrived|came|received|again)",
        "stay away",
    ),
}
"""English words that mean together what they do not mean alone, as patterns, by the word that stands for them."""
_TURNS = """
    not no never none nothing neither nor hardly barely scarcely without cannot cant dont doesnt didnt isnt wasnt
    arent werent wont wouldnt couldnt shouldnt hasnt havent hadnt aint lacks lack lacking
"""
_STRONG = "very really so too extremely super absolutely totally highly incredibly especially truly quite pretty much"
_WEAK = "slightly somewhat bit little kinda fairly"

_ZH_GOOD = """
    好 好看 好吃 好喝 好用 好闻 好听 好玩 不错 满意 喜欢 喜爱 爱 棒 赞 美 美味 美观 漂亮 舒服 舒适 舒畅 柔软 顺滑
    柔顺 丝滑 便宜 实惠 划算 值得 超值 物美价廉 物超所值 性价比高 合适 合身 合脚 修身 得体 快 很快 迅速 神速 及时
    准时 快捷 方便 便捷 简单 耐用 结实 牢固 坚固 稳定 流畅 清晰 清楚 灵敏 安静 静音 干净 整洁 卫生 新鲜 香 香甜 甜
    鲜美 可口 爽口 脆 多汁 水分足 清香 热情 周到 耐心 细心 贴心 礼貌 友好 亲切 专业 负责 认真 完好 完整 正品 真品
    放心 安心 信赖 信任 可靠 推荐 支持 感谢 谢谢 给力 精美 精致 精彩 大方 时尚 高档 上档次 大气 经典 实用 有用 有效
    明显 滋润 细腻 温和 蓬松 保暖 透气 轻便 小巧 精巧 强大 感动 感人 启发 受益 深刻 有趣 幽默 生动 开心 高兴 愉快
    惊喜 温馨 温暖 宽敞 安全 齐全 丰富 优惠 优质 良好 优秀 出色 还会再来 回购 再买 会再来 下次还 继续购买 一如既往
    划得来 名不虚传 个大 皮薄 好评 顺利 到位 省电 耐看 好多了 挺好 还行 可以
"""
_ZH_VERY_GOOD = """
    非常好 太好了 最好 完美 极好 超好 超棒 太棒了 五星 满分 强烈推荐 爱不释手 无可挑剔 非常满意 十分满意 很满意
    很喜欢 非常喜欢 超喜欢 很好 特别好 好极了 一级棒 杠杠的 顶级 一流
"""
_ZH_BAD = """
    差 坏 坏了 烂 烂了 破 破损 破了 裂 裂了 碎 碎了 断 断了 丑 难看 难吃 难喝 难闻 难用 难受 臭 异味 刺鼻 味道怪
    怪味 酸 苦 涩 贵 太贵 偏贵 不值 降价 涨价 慢 太慢 很慢 卡 卡死 卡顿 死机 黑屏 花屏 闪退 重启 发热 发烫 烫手 漏
    漏水 漏液 漏气 噪音 噪声 吵 太吵 脏 污渍 发霉 霉 变质 过期 不新鲜 腐烂 虫 苍蝇 蟑螂 褪色 掉色 起球 缩水 变形
    脱线 开线 线头 掉毛 粗糙 劣质 次品 瑕疵 缺陷 假货 假的 假冒 山寨 仿品 冒牌 水货 翻新 二手 旧 失望 后悔 郁闷 生气
    气愤 无语 无奈 遗憾 可惜 讨厌 恶心 反感 烦 麻烦 复杂 投诉 退货 退款 换货 差评 敷衍 推脱 冷淡 恶劣 傲慢 欺骗 骗
    骗人 骗子 忽悠 坑 坑爹 上当 被骗 虚假 误导 不符 问题 故障 毛病 错误 少了 缺少 缺货 漏发 发错 不好 不行 不满
    不满意 不喜欢 不舒服 不方便 不合适 不值得 不推荐 不如 不实 不清楚 不灵 不稳定 不耐用 不合身 没用 没有用 没效果
    无效 头痒 头屑 痒 干燥 干涩 油腻 过敏 掉头发 打结 简陋 陈旧 狭小 拥挤 潮湿 枯燥 乏味 无聊 空洞 啰嗦 罗嗦 幼稚
    肤浅 凑合 一般 一般般 勉强 小贵 太小 偏小 太大 偏大 太薄 太短 太长 太硬 太紧 压坏 磕 划痕 刮花 开裂 生锈 失灵
    耗电 不耐 浪费 浪费钱 白花 亏 吃亏 扔了 扔掉 打不开 等了 没收到 没人 没反应 没货 不敢 算了 再也不 再也不会
    不会再 别买 不要买 千万别 慎重 谨慎 小心
"""
_ZH_VERY_BAD = """
    垃圾 极差 太差 很差 非常差 最差 差劲 太差劲 糟糕 糟透 糟糕透顶 太烂 最烂 恶心死 非常失望 太失望 很失望 极其失望
    失望透顶 一塌糊涂 废物 无良 奸商 黑店 受骗 气死 无耻 一星 千万别买 千万不要 太坑 太垃圾
"""
_ZH_TURNS = "不 没 没有 别 无 未 非 勿 莫 并非 不是 不太 不够 不怎么 不会 不能 并不 毫无 谈不上 算不上 绝不"
_ZH_STRONG = "很 非常 太 特别 十分 超 超级 极 极其 最 真 真的 真是 相当 挺 蛮 好 更 尤其 实在 完全"
_ZH_WEAK = "有点 有些 稍微 略 稍 一点 比较 还算 略微"

_BUT = r"(?:\b(?:but|however|although|though|yet|except|unfortunately)\b|但是|但|不过|可是|然而|只是|可惜|就是)"
CLAUSE = r"[^\w\s'’\-/%&+\x1e]+|\n+"
SPLITS = rf"(?i)({_BUT})"
"""What stands between clauses, and what a new one begins with; patterns that Rust knows too."""

_CLAUSE = re.compile(rf"{CLAUSE}|(?={_BUT})", re.IGNORECASE)
_AFTER_BUT = re.compile(rf"\W*{_BUT}", re.IGNORECASE)
_WORD = re.compile(rf"[{chinese.HAN}]+|[^\W{chinese.HAN}]+(?:['’][^\W{chinese.HAN}]+)*")

_ALIKE = [f"(?P<{name}>{'|'.join(patterns)})" for name, patterns in _PHRASES.items()]
_PHRASE = re.compile(rf"\b(?:{'|'.join(reversed(_ALIKE))})\b")

BEHIND, TURNED, SLOPE, CERTAIN = 3, -0.7, 0.9, 50.0
"""Words that "not" reaches over; what is left of a word that is turned round; how fast a score becomes sure; and where
more of it makes nothing surer."""


def clauses(text: str) -> list[str]:
    """A text cut at punctuation and before words such as "but", "不过"; nothing of it is lost but the signs."""
    return [part for part in (each.strip() for each in _CLAUSE.split(text)) if part]


def scores(texts: Sequence[str]) -> NDArray[np.float32]:
    """(n,) praise above 0, blame below; 0 where no word of the lexicon stands."""
    return np.fromiter((_score(normal(text).replace("’", "'")) for text in texts), np.float32, len(texts))


def probability(texts: Sequence[str]) -> NDArray[np.float32]:
    """(n,) 0..1 how likely a text praises; 0.5 where it says neither."""
    return np.asarray(1 / (1 + np.exp(-SLOPE * scores(texts).clip(-CERTAIN, CERTAIN))), np.float32)


def _score(text: str) -> float:
    total, weight = 0.0, 1.0
    for clause in clauses(_PHRASE.sub(_stand_in, text)):
        if _AFTER_BUT.match(clause):
            total, weight = 0.5 * total, 1.5
        total += weight * _clause(clause)
    return total


def _stand_in(match: re.Match[str]) -> str:
    return f" {match.lastgroup} "


def _clause(clause: str) -> float:
    """The words of one clause; a turn reaches over some words, and strength to the next."""
    meaning = _lexicon()
    total, strength, turn = 0.0, 1.0, 0
    for word in _words(clause):
        kind, value = meaning.get(word, _NOTHING)
        if kind == VALUE:
            total += value * strength * (TURNED if turn else 1.0)
            strength, turn = 1.0, 0
        elif kind == TURN:
            turn = BEHIND
            continue
        elif kind == DEGREE:
            strength = value
        turn = max(turn - 1, 0)
    return total


def _words(clause: str) -> Iterator[str]:
    for piece in _WORD.findall(clause):
        if piece[0] > "\u2e7f":
            yield from _chinese(piece)
        else:
            yield piece.replace("'", "")


def _chinese(run: str) -> Iterator[str]:
    """The longest words of the lexicon, from the left; other signs one by one."""
    meaning, sizes = _lexicon(), _sizes()
    at, stop = 0, len(run)
    while at < stop:
        size = 1
        for each in sizes.get(run[at], ()):
            if at + each <= stop and run[at : at + each] in meaning:
                size = each
                break
        yield run[at : at + size]
        at += size


VALUE, TURN, DEGREE = 1, 2, 3
_NOTHING = (0, 0.0)


@cache
def _lexicon() -> dict[str, tuple[int, float]]:
    """Of each word what it does, and how much; of both languages. What has a value of its own does nothing else."""
    found: dict[str, tuple[int, float]] = {}
    for lines, kind, value in (
        (f"{_STRONG} {_ZH_STRONG}", DEGREE, 1.5),
        (f"{_WEAK} {_ZH_WEAK}", DEGREE, 0.6),
        (f"{_GOOD} {_ZH_GOOD} praised", VALUE, 1.0),
        (f"{_BAD} {_ZH_BAD} blamed", VALUE, -1.0),
        (f"{_VERY_GOOD} {_ZH_VERY_GOOD} verypraised", VALUE, 2.0),
        (f"{_VERY_BAD} {_ZH_VERY_BAD} veryblamed", VALUE, -2.0),
        (_TURNS + _ZH_TURNS, TURN, 0.0),
    ):
        found |= dict.fromkeys(lines.split(), (kind, value))
    return found


@cache
def _sizes() -> dict[str, tuple[int, ...]]:
    """By first sign how long words of the lexicon are, the longest first; words of one sign need no looking."""
    found: dict[str, set[int]] = {}
    for word in _lexicon():
        if word[0] > "\u2e7f" and len(word) > 1:
            found.setdefault(word[0], set()).add(len(word))
    return {first: tuple(sorted(sizes, reverse=True)) for first, sizes in found.items()}
