"""What of a product a clause speaks of: its price, its size, the delivery …, by words in English and Chinese."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import polars as pl

from wares.text import chinese
from wares.text.forms import normal
from wares.text.opinions import CLAUSE, SPLITS

ASPECTS: dict[str, str] = {
    "price": """price, prices, priced, pricing, cost, costs, cheap, cheaper, expensive, overpriced, pricey, costly,
        affordable, bargain, value, money, worth, discount, deal, 价格, 价钱, 价位, 便宜, 贵, 实惠, 划算, 性价比,
        值得, 超值, 物美价廉, 降价, 涨价, 优惠, 特价, 打折""",
    "quality": """quality, material, materials, build, built, workmanship, craftsmanship, durable, durability,
        sturdy, flimsy, broke, broken, breaks, defective, stitching, fabric, made, 质量, 品质, 材质, 材料, 做工,
        用料, 面料, 布料, 耐用, 结实, 牢固, 质感, 粗糙, 瑕疵, 劣质, 起球, 掉色, 褪色, 线头""",
    "size": """size, sizes, sized, sizing, fit, fits, fitted, tight, loose, snug, length, width, too small, too big,
        too large, too short, too long, runs small, runs large, 尺寸, 尺码, 大小, 码数, 合身, 合脚, 偏大, 偏小,
        太大, 太小, 修身, 长短, 太长, 太短, 太紧, 太松, 宽松, 个头, 个大, 个儿""",
    "look": """look, looks, looked, looking, color, colors, colour, colours, design, designed, style, stylish,
        pretty, beautiful, ugly, shape, appearance, pattern, 外观, 外形, 样子, 颜色, 款式, 样式, 设计, 好看, 漂亮,
        难看, 色差, 造型, 花色, 图案, 时尚""",
    "comfort": """comfort, comfortable, comfy, uncomfortable, cushion, cushioning, soft, softness, itchy,
        breathable, 舒服, 舒适, 柔软, 透气, 难受, 保暖, 暖和, 手感, 闷热, 扎人""",
    "taste": """taste, tastes, tasted, tasting, flavor, flavors, flavour, flavours, delicious, tasty, yummy, bland,
        sweet, sour, bitter, fresh, freshness, stale, ripe, 味道, 口味, 口感, 好吃, 难吃, 好喝, 难喝, 新鲜, 很甜,
        不甜, 酸甜, 香甜, 脆甜, 太酸, 水分, 入味""",
    "smell": """smell, smells, smelled, smelly, scent, scented, odor, odour, fragrance, perfume, stinks, 气味, 香味,
        异味, 难闻, 好闻, 刺鼻, 清香, 臭味, 味儿""",
    "delivery": """delivery, delivered, deliver, shipping, shipped, ship, arrived, arrive, arrives, courier,
        postage, dispatch, dispatched, late, 物流, 快递, 发货, 送货, 配送, 到货, 送到, 收到货, 运费, 送达""",
    "packaging": """package, packaging, packaged, packed, packing, box, wrapped, wrapping, seal, sealed, 包装, 盒子,
        箱子, 包裹, 密封, 外包装, 包的, 破损, 压坏, 漏液""",
    "service": """service, support, staff, seller, customer care, refund, refunded, warranty, return policy,
        helpful, rude, 服务, 客服, 售后, 卖家, 态度, 店家, 商家, 退货, 换货, 退款, 前台, 服务员, 保修, 维修""",
    "battery": """battery, batteries, charge, charges, charging, charger, recharge, 电池, 续航, 充电, 待机, 耗电,
        电量, 省电""",
    "screen": """screen, display, resolution, touchscreen, pixel, pixels, brightness, 屏幕, 屏, 显示, 分辨率, 触屏,
        触摸屏, 画面, 亮度, 漏光""",
    "sound": """sound, sounds, audio, speaker, speakers, noise, noisy, volume, loud, quiet, bass, 声音, 音质, 音效,
        噪音, 喇叭, 音量, 静音, 隔音, 外放""",
    "speed": """speed, performance, lag, laggy, lags, slow, responsive, processor, crash, crashes, freezes, 运行,
        卡顿, 死机, 运行速度, 反应速度, 流畅, 性能, 配置, 系统, 很卡""",
    "ease": """easy, easily, setup, set up, install, installed, installation, instructions, manual, assembly,
        assemble, difficult, intuitive, user friendly, 安装, 操作, 说明书, 使用方便, 好用, 难用, 上手""",
    "camera": "camera, photo, photos, picture, pictures, lens, focus, 拍照, 摄像头, 相机, 像素, 照片, 镜头, 拍摄",
    "effect": """effect, effects, effective, works, worked, result, results, 效果, 功效, 去屑, 有效, 没效果, 见效,
        止痒, 控油, 滋润, 柔顺""",
    "room": "room, rooms, bed, beds, bathroom, clean, dirty, 房间, 床, 卫生间, 浴室, 设施, 卫生, 干净, 洗手间",
    "location": "location, located, close to, walking distance, 位置, 地段, 交通, 地理位置, 周边, 出行, 离地铁",
    "content": """story, plot, characters, chapter, author, writing, written, reading, illustrations, content, 内容,
        故事, 情节, 作者, 文笔, 文字, 翻译, 插图, 印刷, 纸张, 盗版, 正版""",
}
"""Words by aspect, lower case, one or several of English; of Chinese, found inside longer ones too."""

_HAN = f"[{chinese.HAN}]"
_SIGNS = rf"[^\w\s{chinese.HAN}]+"


@dataclass(frozen=True)
class Speaks:
    """Finds the clauses of texts that speak of an aspect, all texts at once.

    names : the aspects. patterns, aspect_of : what is looked for, and the place in `names` of each.
    """

    names: tuple[str, ...]
    patterns: tuple[str, ...]
    aspect_of: tuple[int, ...]

    @classmethod
    def of(cls, more: Mapping[str, str] | None = None) -> Self:
        """With aspects of one's own, each as words after commas; one that is there already gets words more."""
        told = {name: _words(words) for name, words in ASPECTS.items()}
        for name, words in (more or {}).items():
            told[name] = [*told.get(name, []), *_words(words)]
        pairs = {(_pattern(word), place): None for place, words in enumerate(told.values()) for word in words}
        return cls(tuple(told), tuple(pattern for pattern, _ in pairs), tuple(place for _, place in pairs))

    def find(self, texts: Sequence[str]) -> pl.DataFrame:
        """Columns `text` (its place among the texts), `clause` and `aspect` (its place among the names): a row for each
        aspect that a clause speaks of. A clause that speaks of several is there several times."""
        clauses = cut(texts)
        plain = clauses["clause"].str.to_lowercase().str.replace_all(_SIGNS, " ").str.replace_all(r"\s+", " ")
        spaced = " " + plain.str.replace_all(f"({_HAN}+)", " $1 ") + " "
        # Where one word stands beside another, both share the space between them: hence overlapping.
        found = spaced.str.replace_all(r"\s+", " ").str.extract_many(list(self.patterns), overlapping=True)
        rows = clauses.with_columns(found=found).explode("found").drop_nulls("found")
        places: dict[str, list[int]] = {}
        for pattern, place in zip(self.patterns, self.aspect_of, strict=True):
            places.setdefault(pattern, []).append(place)
        named = pl.DataFrame(
            {"found": list(places), "aspect": list(places.values())},
            schema={"found": pl.String, "aspect": pl.List(pl.Int64)},
        )
        rows = rows.join(named, on="found", how="inner", maintain_order="left").explode("aspect")
        return rows.select("text", "clause", "aspect").unique(maintain_order=True)


def cut(texts: Sequence[str]) -> pl.DataFrame:
    """Columns `text` and `clause`: every clause of every text, as `wares.text.opinions.clauses` cuts one."""
    series = pl.Series("clause", list(texts), dtype=pl.String)
    parts = series.str.replace_all(SPLITS, "\x1e$1").str.replace_all(CLAUSE, "\x1e").str.split("\x1e")
    frame = pl.DataFrame({"text": pl.int_range(len(series), eager=True), "clause": parts}).explode("clause")
    return frame.with_columns(pl.col("clause").str.strip_chars()).filter(pl.col("clause").str.len_chars() > 0)


def _words(words: str) -> list[str]:
    return [
        " ".join(normal(word).split())
        for word in words.replace("，", ",").replace("、", ",").split(",")
        if word.strip()
    ]


def _pattern(word: str) -> str:
    """Chinese is found anywhere, other words only whole."""
    return word if any(letter > "\u2e7f" for letter in word) else f" {word} "
