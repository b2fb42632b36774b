"""Months and days of the week as they are written in English, German, French, Spanish, Italian, Portuguese, Dutch."""

from __future__ import annotations

__all__ = ["MONTHS", "WEEKDAYS"]

_MONTHS = """
january jan januar jän jänner janvier janv enero ene gennaio gen janeiro januari
february feb februar feber février fevrier févr fevr fév fev febrero febbraio fevereiro februari
march mar märz maerz mrz mär mars marzo março marco maart mrt
april apr avril avr abril abr aprile
may mai mayo maggio mag maio mei
june jun juni juin junio giugno giu junho
july jul juli juillet juil julio luglio lug julho
august aug août aout aoû agosto ago augustus
september sep sept septembre septiembre settembre set setembro
october oct oktober okt octobre octubre ottobre ott outubro out
november nov novembre noviembre novembro
december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro des
"""

_WEEKDAYS = """
monday mon montag mo lundi lun lunes lunedì lunedi segunda seg maandag ma
tuesday tue tues dienstag di mardi mar martes martedì martedi terça ter dinsdag
wednesday wed mittwoch mi mercredi mer miércoles miercoles mié mie mercoledì mercoledi quarta qua woensdag wo
thursday thu thur thurs donnerstag do jeudi jeu jueves jue giovedì giovedi gio quinta qui donderdag
friday fri freitag fr vendredi ven viernes vie venerdì venerdi sexta sex vrijdag vr
saturday sat samstag sonnabend sa samedi sam sábado sabado sáb sab sabato zaterdag za
sunday sun sonntag so dimanche dim domingo dom domenica zondag zo
"""

MONTHS: dict[str, int] = {
    word: number for number, line in enumerate(_MONTHS.strip().splitlines(), 1) for word in line.split()
}
"""From the word in lower case and without its dot to 1 to 12."""

WEEKDAYS = frozenset(_WEEKDAYS.split())
"""In lower case and without their dots."""
