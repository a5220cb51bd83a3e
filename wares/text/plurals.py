"""English plurals to singulars, carefully: a word that is wrongly folded is worse than one that is not."""

_IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth", "mice": "mouse",
    "geese": "goose", "knives": "knife", "wives": "wife", "lives": "life", "shelves": "shelf", "leaves": "leaf",
    "loaves": "loaf", "halves": "half", "scarves": "scarf", "calves": "calf", "wolves": "wolf", "hooves": "hoof",
    "lenses": "lens", "irises": "iris", "atlases": "atlas", "canvases": "canvas", "gases": "gas", "aliases": "alias",
    "quizzes": "quiz", "axes": "axe", "niches": "niche", "quiches": "quiche", "brioches": "brioche", "pies": "pie",
    "ties": "tie", "dies": "die", "lies": "lie", "movies": "movie",
}  # fmt: skip


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_UNCHANGED = _set(
    "always atlas adidas asus canvas christmas dallas gas has kansas lens levis mars news paris series species "
    "swiss texas this was molasses alias hummus"
)
_IE = _set(
    "beanie birdie brownie calorie caddie cookie cutie doggie foodie freebie genie goodie hoodie indie junkie kiddie "
    "magpie necktie newbie onesie pixie prairie rookie selfie smoothie sortie sweetie townie undie veggie walkie "
    "zombie talkie barbie hankie bootie bowtie coolie brie eyrie"
)
_OE = _set("toe canoe hoe foe aloe oboe tiptoe backhoe")
_NOT_PLURAL = ("ss", "us", "is")


def singular(word: str) -> str:
    """The singular of a lower-case English word: `mugs` to `mug`, `berries` to `berry`, `glasses` to `glass`.

    Words of fewer than four letters, with digits or letters beyond a-z stay as they are.
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or word in _UNCHANGED:
        return word
    if word[-1] != "s" or word.endswith(_NOT_PLURAL) or not (word.isascii() and word.isalpha()):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-1] if word[:-1] in _IE else word[:-3] + "y"
    return word[:-2] if _takes_es(word) else word[:-1]


def _takes_es(word: str) -> bool:
    """Whether the plural was made by adding -es."""
    if word.endswith("aches"):
        return word.endswith(("eaches", "oaches"))  # peach, coach; but ache, moustache
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "tzes")):
        return True
    if word.endswith("oes"):
        return not (word.endswith("shoes") or word[:-1] in _OE)
    return word.endswith("uses") and len(word) > 4 and not word.endswith(("ouses", "auses", "fuses", "muses"))
