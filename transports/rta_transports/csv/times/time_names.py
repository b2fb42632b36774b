"""How much the name of a column says that it is the time, in the languages that people write."""

from __future__ import annotations

from rta_transports.csv.times.time_units import words_of

__all__ = ["CALENDAR", "NUMBERED", "PLAIN", "WEAK", "rank_of", "says_hour"]

_MOMENTS = """
time times timestamp timestamps datetime date t ts utc gmt epoch unix unixtime clock elapsed uptime day stamp
zeit zeitpunkt zeitstempel uhrzeit datum tag messzeit
fecha hora tiempo fechahora instante marca
heure horodatage temps horodate jour instant
ora tempo orario giorno istante data
tijd tijdstip tid tidspunkt dato klokkeslett klokkeslet aika czas godzina cas čas
время дата 时间 時間 日期 日時 時刻 日付 시간 날짜
"""
_AROUND = """
log logged local gps the of and und y et e sample rec record recorded recording measured measurement meas device
system sys session since start run boot absolute relative rel abs unit s ms us ns sec secs seconds msec usec µs
millis micros nanos min h hh mm ss fff hhmmss string iso real cet cest von de la del du da lokal
"""
_OTHERS = """
lap laps travel response delay dwell cycle headway gap end ende until fin finish to bis hasta fine update updated
modified created upload received transit reaction injection duration dauer sector split best last next remaining
left rise fall dead on off open pulse count average avg max timeout
"""
_NUMBERED = """
index idx # no no. nr nr. num number n id sample samples row record entry line lfd seq sequence counter scan reading i
rec point rownum level_0 fragment_id
"""
_WEAK = "data day tag jour giorno marca date datum fecha dato ora hora gmt"

PLAIN = frozenset({"t", "time", "x", "zeit", "ts", "tiempo", "temps", "tempo"})
"""Names of a first column that has always been the time, when it is a number."""
WEAK = frozenset(_WEAK.split())
"""Names of dates, and of much else: a number under them is not the time because of them."""
NUMBERED = frozenset({"", "unnamed: 0", "lfd. nr.", "sample no", "sample number", "row id", *_NUMBERED.split()})
"""Names of columns that may number the rows."""

_HOUR = "hour hours hr hrs hod hora heure stunde std uur ora orario hourofday hour_of_day"
_CALENDAR = "year years month yr jahr monat año ano mes année annee an mois anno mese jaar maand"
CALENDAR = frozenset(_CALENDAR.split())
"""Names of a part of a date, which as a number is no time."""
_HOURS = frozenset(_HOUR.split())
_TIME_WORDS = frozenset(_MOMENTS.split())
_ANY_WORDS = _TIME_WORDS | frozenset(_AROUND.split())
_OTHER_WORDS = frozenset(_OTHERS.split())
_ENDINGS = ("time", "timestamp", "zeit", "datum", "date")


def rank_of(title: str) -> int:
    """3: it is called nothing but time; 2: time is among its words; 1: it may be, but is rather a time of something
    else; 0: nothing is said."""
    words = words_of(title)
    moments = [word for word in words if word in _TIME_WORDS or word.endswith(_ENDINGS)]
    if not moments:
        return 0
    if any(word in _OTHER_WORDS for word in words):
        return 1
    return 3 if all(word in _ANY_WORDS or word in moments for word in words) else 2


def says_hour(title: str) -> bool:
    """Whether it is called nothing but hour."""
    return title.strip().lower().replace(" ", "_") in _HOURS
