"""Words that tell the full stop of an abbreviation from one that ends a sentence.

All are in lower case and without the final full stop; abbreviations of several letters with spaces
in between are listed without the spaces (``z.b`` for "z. B."). Languages are mixed, because the
language of a text is not known. Words that are also common at the end of a sentence are left out.
"""

from __future__ import annotations

__all__ = [
    "BEFORE_NUMBER",
    "DETERMINERS",
    "GERMAN_MONTHS",
    "MAY_END",
    "NEVER_END",
    "NO_SENTENCE_START",
    "SELDOM_END",
    "SENTENCE_STARTERS",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEVER_END = _words(
    # English
    "mr mrs ms mx messrs dr drs prof hon rev e.g i.e eg ie a.k.a p.s n.b vs cf viz approx incl "
    "excl "
    # German
    "z.b d.h u.a i.d.r s.o s.u v.a z.t bzw ca ggf evtl vgl inkl zzgl abzgl sog dipl bspw insb "
    "insbes einschl allg entspr ehem mind "
    # French, Spanish, Portuguese, Italian
    "mme mmes mlle mlles mgr p.ex ee env c.-à-d sra srta dra dña aprox p.ej ej exmo sig sig.ra "
    "sigg dott dott.ssa avv prof.ssa p.es "
    # Dutch, Danish, Swedish
    "dhr mevr bijv d.w.z o.a f.eks bl.a t.ex "
    # Polish, Czech, Russian, Turkish, Hindi
    "np tzn tzw tj inż např tzv т.е т.к ул см напр örn bkz डॉ"
)
"""Never end a sentence, whatever follows."""

SELDOM_END = _words(
    # titles and suffixes of names
    "gen col lt sgt capt cmdr adm maj rep sen gov pres supt hr fr sr jr esq st ste mt ft ing "
    "dipl.-ing lic arq "
    # companies and streets
    "inc ltd co corp bros llc dept univ assn assoc ave blvd rd hwy str "
    # degrees
    "ph.d b.sc m.sc d.phil d.sc ed.d m.eng "
    # days, months, amounts, persons
    "mon tues thurs fri jan feb mar apr jun jul aug sep sept oct okt nov dec dez "
    "uu ee.uu mio mrd тыс млн млрд руб geb gest ud uds vd vds avda pza depto ex"
)
"""End a sentence only if the next word is a typical start of one, such as "The"."""

MAY_END = _words(
    "etc a.m p.m a.d b.c b.c.e c.e usw usf u.s.w u.s.f uvm u.v.m v.chr n.chr ecc enz e.d "
    "itd itp atd apod т.д т.п др vb"
)
"""End a sentence if an upper-case letter follows, except for `NO_SENTENCE_START`."""

BEFORE_NUMBER = _words(
    "no nos nr num núm pp art arts fig figs vol vols ch chap sec sect eq par para ex op tab abb "
    "bd abs ziff kap pos tel ext apt bldg rte rm cap pág págs lib čl št № n° max min est ver pt pts"
)
"""Never end a sentence before a figure; no abbreviations otherwise: "No. 5", but "No. He left"."""

GERMAN_MONTHS = _words(
    "januar jänner februar märz april mai juni juli august september oktober november dezember"
)
"""Follow an ordinal: "3. Oktober"."""

NO_SENTENCE_START = _words(
    "january february march april june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun "
    "est edt et cst cdt ct mst mdt mt pst pdt pt gmt utc bst cet cest ist jst eastern pacific"
)
"""Follow a time of day: "at 5 p.m. Monday", "10 a.m. EST"."""

DETERMINERS = _words(
    "am der die das dem den des im vom zum zur beim ab bis seit ein eine einen einem einer "
    "jeder jeden jede jedes unser unsere ihr ihre sein seine mein meine und"
)
"""German words before an ordinal: "am 3. Tag"."""

SENTENCE_STARTERS = _words(
    # English, without words that are surnames or parts of names ("Will", "All", "First", "Do")
    "the a i it its he she they we you my your his her our their this that these those there here "
    "what when where why who how which if in on at as after before but and or so then thus however "
    "for from with while because since although though until is are was were did can could would "
    "should have has not yes please now also many some most both every another meanwhile finally "
    "today tomorrow yesterday once later let maybe perhaps sometimes "
    # German
    "der die ein eine er sie es wir ihr ich und aber oder dann danach dies diese dieser dieses "
    "jetzt heute morgen hier dort wenn weil nach vor mit bei im auf für wer wie warum auch kein "
    "keine man doch seine ihre meine unser "
    # French, Spanish, Italian, Portuguese, Dutch, without articles that start names ("Le Guin")
    "il elle ils elles nous vous je ce cette ces et mais ou où donc puis ensuite alors après "
    "avant dans pour quand comment pourquoi ella ellos esta esto pero cuando como dónde qué "
    "después luego entonces también questo questa quando poi allora ma anche não mas depois então "
    "também isto het een hij zij maar daarna waarom"
)
"""Words that often start a sentence, and rarely a name."""
