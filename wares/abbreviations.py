"""What the abbreviations of a grocer's product table mean, so that a person can read them."""

WORDS: dict[str, str] = {
    word: meaning
    for line in """
    ACC accessories | ACCS accessories | ACCSS accessories | ACCES accessories | ACCESS accessories
    ACCESSIORES accessories | APPL appliances | APS APS | ATM ATM | BBQ BBQ | BEV beverage | BG bags | BK baked
    BKD baked | BKNGWARES bakeware | BN beans | BNDGES bandages | BRD breaded | BRDS boards | BRKFST breakfast
    BRAC bracelet | BRSKT brisket | BRST breast | BLY belly | BSKTS baskets | BTH bath | BTL bottle | BTLS bottles
    BTR butter | CALC calculators | CARB carbonated | CARPT carpet | CATFD cat food | CATSUP ketchup | CD CD
    CHIX chicken | CHOC chocolate | CHOCOCLATE chocolate | CHOCOL chocolate | CHP chop | CHS cheese | CHUB chub
    CIG cigarette | CKE cake | CKTLS cocktails | CKYS cookies | CLEANG cleaning | CND canned | CNDLES candles
    CNDY candy | CNTRL control | CNTRL/STORE store | COFF coffee | COMPR compress | CONC concentrate
    CONTAINR containers | COOKNG cooking | CRAN cranberry | CRBNTD carbonated | CRKR crackers | CRMD creamed
    CRSTDAS crostatas | CRV CRV | CRYSTL crystal | CV covers | DAN danish | DECAF decaf | DEOD deodorant
    DEPT department | DIAPR diapers | DISPOSIBLE disposable | DL deli | DNR dinner | DNRS dinners | DOGFD dog food
    DPS dips | DRG drug | DRNK drink | DRNKING drinking | DRNKNG drinking | DRNKS drinks | DRNRS drainers
    DRP drops | DRSNG dressing | DSH dish | DVD DVD | DVDS DVDs | DXM DXM | ELECT electrical | ELSTC elastic
    ENG English | EXCH exchange | EXOTIC exotic | FASH fashion | FD food | FDS food | FEM feminine
    FLAV flavored | FLV flavored | FLNK flank | FLOURSCENT fluorescent | FLVR flavored | FLVRD flavored | FRD fried
    FRE fresh | FRK drink | FRS fresh | FRTHR further | FRZ frozen | FRZN frozen | FT foot | FTD FTD
    GDS goods | GM general merchandise | GNG ginger ale | GNGR ginger | GRND ground | HBC health & beauty care
    HANDKE handkerchiefs | HNGRS hangers | HYGN hygiene | INCL including | INDR indoor | INF infant | INGRED ingredients
    IO indoor | IQF frozen pieces | IWS single wrapped | JCE juice | JHOOK J-hook | LBS lb | LED LED | LIPCARE lip care
    LIQ liquid | LIQS liquids | LNCHMT lunchmeat | LNDRY laundry | LOZNG lozenges | LRG large | LSS less
    LTR lighter | LUNCHMEAT lunchmeat | MAC macaroni | MACH machine | MARIN marinated | MASSGRS massagers
    MEMORABLILIA memorabilia | MERCH merchandise | MFG manufacturer | MINWTR mineral water | MISC miscellaneous
    MISCELLANEOUS miscellaneous | MIXS mixes | MLB MLB | MLK milk | MLT multi | MM mm | MNERAL mineral
    MNRL mineral | MT meat | MTL metal | MULT multi | MUST mustard | MW microwavable | MX mix | MXS mixes
    NATRL natural | NBA NBA | NDAIRY non-dairy | NFL NFL | NHL NHL | NTRTNL nutritional | NZ New Zealand
    OJ orange juice | ORG organizer | ORGNZRS organizers | OTC over the counter | PAC pack | PC pieces
    PERSNL personal | PICKLD pickled | PICKLS pickles | PK pack | PKG packaged | PKGD packaged | PKLD pickled
    PCKGD packaged | PLANTR planter | PLSTC plastic | PLT plate | PNCH punch | PNT peanut | PNUT peanut
    PORT portion | PORTON portion | PPK prepacked | PREM premium | PREP prepared | PREPORTND preportioned
    PREPRD prepared | PRESC prescription | PRESHCOOL preschool | PRESLC presliced | PRESLCD presliced
    PROD products | PROTIEN protein | PRPCK prepacked | PRSLC presliced | PSE PSE | PTTY patty | PWDR powder
    PWDRS powders | QSR quick service | QT qt | RBR rubber | REFRGRATD refrigerated | REFRIG refrigerated
    REG regular | REPELLANTS repellents | RETL retail | RTD ready-to-drink | RTS ready-to-serve
    RTW ready-to-wear | RW random weight | RX RX | SALD salad | SAUS sausage | SCE sauce | SEAFD seafood
    SECT sections | SFT soft | SGL single | SHAKE shake | SHERBTS sherbets | SHLDR shoulder | SHLFSH shellfish
    SHNK shank | SHRED shredded | SLC slice | SLD salad | SMI semi | SNDWCH sandwich | SNGL single | SNKS snacks
    SOD soda | SOL solutions | SOULABLE soluble | SPEC specialties | SPECILATY specialty | SPECLTY specialty
    SPF SPF | SPLY supplies | SPRD spread | SPT sport | SRV serve | STK steak | STRP strips | STW stew
    SUBS substitutes | SUP super | SUPP supplement | SUPPPLIES supplies | SUPRT support | SV service
    SWEETNERS sweeteners | SWT sweet | SYRNGS syringes | SYRP syrup | THN than | TISS tissue | TN Tennessee
    TODD toddler | TORT tortilla | TRAD traditional | TRADITIONA traditional | TRANS transmission | TRSH trash
    TV TV | VAC vacuum | VAL value | VEG vegetable | VEND vending | VHS VHS | WH whole | WHL whole
    WHLSM wholesome | WHS warehouse | WT weight | WTR water | XMAS Christmas | XPCTRNT expectorant | YNG young
    SALSAPICANTEE salsa, picante | BEERALEMALT beer, ale, malt | BLUBLKRASP blueberry, blackberry, raspberry
    CTLRYTBLCLTHSTTHPKSST cutlery, tablecloths, toothpicks | BEAUTYASSESSPILL beauty | ACID acid | HISPANIC Hispanic
    ITALIAN Italian | FRENCH French | MEXICAN Mexican | ASIAN Asian | ENGLISH English | AMERICAN American
    CHRISTMAS Christmas | HALLOWEEN Halloween | EASTER Easter | JAPANESE Japanese | KODAK Kodak
    """.replace("\n", "|").split("|")
    if (found := line.split(maxsplit=1))
    for word, meaning in [(found[0], found[1].strip())]
}
"""Whole words."""

PHRASES: list[tuple[str, str]] = [
    (r"^CHIX:", "CHICKEN:"),
    (r"^SAL:", "SALAD:"),
    (r"^SW GDS:", "SWEET GOODS:"),
    (r"^(SEAFOOD|FLORAL|MEAT|LUNCHMEAT|HOT DOGS|FM|FRESH|FITNESS&DIET)\s*-\s*", r"\1: "),
    (r"\bFM:", "FAN MERCHANDISE:"),
    (r": (FRE|FRZ|MISC)-", r": \1 "),
    (r"-MAGAZINE$", " MAGAZINE"),
    (r"\bNUT SUPP\b-?", "NUTRITION SUPPLEMENT: "),
    (r"\bSW ROLLS\b", "SWEET ROLLS"),
    (r"\bSS\b", "SINGLE SERVE"),
    (r"\b(CHILDREN|MEN|WOMEN) S\b|\b(CHILDREN|MEN|WOMEN)S\b", r"\1\2'S"),
    (r"\bDVD S\b", "DVDS"),
    (r"\bBTR MIX", "BATTER MIX"),
    (r"\bSV/VEND", "SERVE/VENDING"),
    (r"\bN/CARB\b", "NON-CARBONATED"),
    (r"\bN/A DEOD", "NON-AEROSOL DEODORANT"),
    (r"\bN/CANNED", "IN CANNED"),
    (r"\bN-PRESC\b", "NON-PRESCRIPTION"),
    (r"\bMAINSTREAM (\w+(/\w+)?) BR$", r"MAINSTREAM \1 BREAD"),
    (r"\bW/O\s*", "WITHOUT "),
    (r"\bW/\s*", "WITH "),
    (r"\(42 UNDER.*$|\(?<=42P?.*$", "(up to 42 Proof)"),
    (r"\(50%? ?(AND)? ?U?N?D?E?R?( JCE)?\)?$|\(5$", "(up to 50% Juice)"),
    (r"\(UN\w*$", "(up to 50% Juice)"),
    (r"\(OVE?R?( 5?0?%?.*)?$", "(over 50% Juice)"),
    (r"\s*\((EX[CP:]?|NOT?\b|INCLUD).*$", ""),
    (r"\bOVER 5$", "OVER 50%"),
    (r"\bCAN CAR$", "CAN CARB"),
    (r"\s+INCL$", ""),
    (r"^CAN (?=CAT|DOG)", "CANNED "),
    (r"(\d+)\s*PK\b", r"\1-PACK"),
    (r"(\d+)\s*PC\b", r"\1 PIECES"),
    (r"(\d+)\s*IN\b", r"\1 INCH"),
    (r"(\d)LBS?\b", r"\1 lb"),
    (r"(\d(?:\.\d+)?)\s*ML\b", r"\1 ml"),
    (r"(\d(?:\.\d+)?)\s*LT\b", r"\1 l"),
]
"""Patterns that need more than one word, in the order they are applied to the upper-case text."""

DEPARTMENTS: dict[str, str] = {
    "CNTRL/STORE SUP": "Store Supplies",
    "CHARITABLE CONT": "Charitable Contributions",
    "DRUG GM": "Drug & General Merchandise",
    "ELECT &PLUMBING": "Electrical & Plumbing",
    "GM MERCH EXP": "General Merchandise",
    "MEAT-PCKGD": "Packaged Meat",
    "PROD-WHS SALES": "Produce Warehouse Sales",
    "SEAFOOD-PCKGD": "Packaged Seafood",
}
"""Names of departments that are better said whole."""
