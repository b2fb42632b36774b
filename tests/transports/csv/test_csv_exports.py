"""Files as loggers, spreadsheets and portals export them: what each of them holds, written down by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import Factory, frozen
from csv_replay import play
from rta_transports.csv import CsvOptions
from rta_transports.csv.description import settings_of
from rta_transports.csv.layout.alphabets import detect_one_byte
from rta_transports.csv.opening import open_file

from rta.ports import Publish
from rta.wire import read_configuration


@frozen
class Export:
    """A file, and what a right reader gives."""

    text: str | bytes
    channels: dict[str, list[float]]
    """Values by "name" or "name [unit]", of the first session."""
    times: list[float]
    """Of the first channel: seconds after `start`."""
    start: str = ""
    """In ISO 8601; empty: the times are no moments."""
    events: list[tuple[str, str]] = Factory(list)
    """Names and texts, in the order of the file."""
    faults: int = 0
    more: list[dict[str, list[float]]] = Factory(list)
    """The channels of the sessions after the first."""
    options: dict[str, Any] = Factory(dict)


EXPORTS = {
    "AiM with numbers of the columns": Export(
        '"Format","AiM CSV File"\n"Vehicle","Kart 7"\n"Date","Saturday, 15 June 2024"\n"Time","14:05:07"\n\n'
        '"Time","GPS_Speed","GPS_Nsat","RPM"\n"sec","km/h","","rpm"\n"1","2","3","4"\n\n'
        '"0.0000","50.1","12","5000"\n"0.1000","50.3","12","5010"\n',
        {"GPS_Speed [km/h]": [50.1, 50.3], "GPS_Nsat": [12, 12], "RPM [rpm]": [5000, 5010]},
        [0, 0.1],
    ),
    "MegaLog with a mark": Export(
        '"MS3 Format 0523.11: MS3 1.5.1"\n"Capture Date: Sun Mar 24 16:13:22 CET 2024"\nTime\tRPM\tMAP\tEngine\n'
        "s\tRPM\tkPa\tbits\n0.000\t800\t35.1\t1\nMARK 000 - Manual - Sun Mar 24 16:13:25 CET 2024\n"
        "0.133\t820\t35.1\t17\n",
        {"RPM [RPM]": [800, 820], "MAP [kPa]": [35.1, 35.1], "Engine [bits]": [1, 17]},
        [0, 0.133],
        events=[("Mark", "MARK 000 - Manual - Sun Mar 24 16:13:25 CET 2024")],
    ),
    "Car Scanner": Export(
        '"SECONDS";"PID";"VALUE";"UNITS"\n"46035.25";"Vehicle speed";"0";"km/h"\n"46035.5";"Engine RPM";"812.5";"rpm"\n'
        '"46036.25";"Vehicle speed";"2";"km/h"\n"46036.5";"Engine RPM";"822.5";"rpm"\n',
        {"Vehicle speed [km/h]": [0, 2], "Engine RPM [rpm]": [812.5, 822.5]},
        [46035.25, 46036.25],
    ),
    "TrackAddict": Export(
        '# RaceRender Data: TrackAddict 4.6.0 on iOS 13.3 [iPhone]\n# Vehicle: My Car\n"Time","Speed (KM/H)","Accel X",'
        '"Engine Speed (RPM) *OBD"\n0.000,50.1,0.01,2000\n# Lap 1: 00:01:02.345\n0.100,50.2,0.01,2010\n# Session End\n',
        {"Speed [KM/H]": [50.1, 50.2], "Accel X": [0.01, 0.01], "Engine Speed *OBD [RPM]": [2000, 2010]},
        [0, 0.1],
    ),
    "Home Assistant": Export(
        "entity_id,state,last_changed\nsensor.speed,12.5,2024-03-10T10:00:00.000Z\n"
        "sensor.power,230.1,2024-03-10T10:00:05.000Z\nsensor.speed,unavailable,2024-03-10T10:01:00.000Z\n"
        "sensor.speed,13.5,2024-03-10T10:02:10.000Z\nsensor.power,231,2024-03-10T10:02:15.000Z\n",
        {"sensor.speed": [12.5, 13.5], "sensor.power": [230.1, 231]},
        [0, 130],
        start="2024-03-10T10:00:00",
        events=[("sensor.speed", "unavailable")],
    ),
    "Chicago": Export(
        "TIME,SEGMENT_ID,SPEED,DIRECTION\n03/13/2024 10:00:00 AM,1,25,NB\n03/13/2024 10:00:00 AM,2,-1,SB\n"
        "03/13/2024 10:10:00 AM,1,26,NB\n03/13/2024 10:10:00 AM,2,31,SB\n",
        {"SPEED 1": [25, 26], "SPEED 2": [-1, 31]},
        [0, 600],
        start="2024-03-13T10:00:00",
        events=[("DIRECTION 1", "NB"), ("DIRECTION 2", "SB"), ("DIRECTION 1", "NB"), ("DIRECTION 2", "SB")],
    ),
    "German counts with a point between thousands": Export(
        "Zeitpunkt;Zählung;Belegung\n27.10.2024 01:00:00;1.234;12\n27.10.2024 01:15:00;840;13\n",
        {"Zählung": [1234, 840], "Belegung": [12, 13]},
        [0, 900],
        start="2024-10-27T01:00:00",
    ),
    "Counts with a comma between thousands": Export(
        "Time;Volume\n2024-03-10 00:00;1,234\n2024-03-10 00:15;987\n",
        {"Volume": [1234, 987]},
        [0, 900],
        start="2024-03-10T00:00:00",
    ),
    "French, narrow blanks": Export(
        "Horodatage;Débit (véh/h);Vitesse (km/h);Remarque\n13/02/2024 00:00:00;1\u202f234;48,7;\n"
        "13/02/2024 00:15:00;1\u202f240;49,1;Bouchon\n",
        {"Débit [véh/h]": [1234, 1240], "Vitesse [km/h]": [48.7, 49.1]},
        [0, 900],
        start="2024-02-13T00:00:00",
        events=[("Remarque", "Bouchon")],
    ),
    "Polish Windows": Export(
        "Czas;Liczba pojazdów;Prędkość [km/h];Łącznie\n13.02.2024 00:00;1 234;48,7;1\n"
        "13.02.2024 00:15;1 240;49,1;2\n".encode("cp1250"),
        {"Liczba pojazdów": [1234, 1240], "Prędkość [km/h]": [48.7, 49.1], "Łącznie": [1, 2]},
        [0, 900],
        start="2024-02-13T00:00:00",
    ),
    "Russian UTF-16 without a mark": Export(
        "Время;Скорость (км/ч)\n0;30,5\n1;31,5\n2;32,5\n".encode("utf-16-le"),
        {"Скорость (км/ч)": [30.5, 31.5, 32.5]},
        [0, 1, 2],
    ),
    "room that is set aside": Export(b"Time,a\r\n0,1\r\n1,2\r\n" + bytes(300), {"a": [1, 2]}, [0, 1]),
    "a mark at the end of the file": Export(b"Time,a\r\n0,1\r\n1,2\r\n\x1a", {"a": [1, 2]}, [0, 1]),
    "a mark of UTF-8 before each header": Export(
        "\ufeffTime (s),RPM\n0.0,1000\n0.1,1010\n\ufeffTime (s),RPM\n0.0,2000\n0.1,2010\n",
        {"RPM": [1000, 1010]},
        [0, 0.1],
        more=[{"RPM": [2000, 2010]}],
    ),
    "columns in another order below the second header": Export(
        "Time (s),RPM,Speed\n0.0,1000,1\n0.1,1010,2\nTime (s),Speed,RPM\n0.0,3,2000\n0.1,4,2010\n",
        {"RPM": [1000, 1010], "Speed": [1, 2]},
        [0, 0.1],
        more=[{"RPM": [2000, 2010], "Speed": [3, 4]}],
    ),
    "more columns below the second header": Export(
        "Time (s),RPM\n0.0,1000\n0.1,1010\n0.2,1020\n0.3,1030\nTime (s),RPM,Speed\n0.0,2000,1\n0.1,2010,2\n",
        {"RPM": [1000, 1010, 1020, 1030]},
        [0, 0.1, 0.2, 0.3],
        faults=2,
        more=[{"RPM": [2000, 2010]}],
    ),
    "a preamble before each run": Export(
        "Session,1\nVenue,Spa\nTime (s),RPM\n0.0,1000\n0.1,1010\n\nSession,2\nVenue,Spa\n\n"
        "Time (s),RPM\n0.0,2000\n0.1,2010\n",
        {"RPM": [1000, 1010]},
        [0, 0.1],
        more=[{"RPM": [2000, 2010]}],
    ),
    "names of groups above titles": Export(
        "Time,Lane 1,,Lane 2,\n,Volume,Speed,Volume,Speed\n2024-03-10 10:00:00,1,2,3,4\n2024-03-10 10:15:00,5,6,7,8\n",
        {"Lane 1 Volume": [1, 5], "Lane 1 Speed": [2, 6], "Lane 2 Volume": [3, 7], "Lane 2 Speed": [4, 8]},
        [0, 900],
        start="2024-03-10T10:00:00",
    ),
    "names of groups above titles, and units": Export(
        "Lane,Lane 1,Lane 1,Lane 2,Lane 2\nTime,Volume,Speed,Volume,Speed\n,veh,km/h,veh,km/h\n"
        "2024-03-10 10:00:00,1,2,3,4\n2024-03-10 10:15:00,5,6,7,8\n",
        {
            "Lane 1 Volume [veh]": [1, 5],
            "Lane 1 Speed [km/h]": [2, 6],
            "Lane 2 Volume [veh]": [3, 7],
            "Lane 2 Speed [km/h]": [4, 8],
        },
        [0, 900],
        start="2024-03-10T10:00:00",
    ),
    "pandas with the name of the index": Export(
        ",speed,speed,rpm\n,mean,max,mean\ntime,,,\n2024-03-10 10:00:00,1.5,2.5,3\n2024-03-10 10:01:00,1.6,2.6,4\n",
        {"speed (mean)": [1.5, 1.6], "speed (max)": [2.5, 2.6], "rpm": [3, 4]},
        [0, 60],
        start="2024-03-10T10:00:00",
    ),
    "words for nothing": Export(
        "t;a;b;c;d\n0;1;NA;1.#QNAN;n.v.t.\n1;<NULL>;2;-1.#IND;no data\n2;(null);3;3;...\n3;\\N;#¡VALOR!;#NUM!;4\n",
        {"a": [1], "b": [2, 3], "c": [3], "d": [4]},
        [0],
    ),
    "yes and no": Export(
        "t;a;b;c;d;e\n0;T;y;wahr;oui;sì\n1;F;n;falsch;non;no\n2;T;y;WAHR;Oui;Sì\n",
        {"a": [1, 0, 1], "b": [1, 0, 1], "c": [1, 0, 1], "d": [1, 0, 1], "e": [1, 0, 1]},
        [0, 1, 2],
    ),
    "identifiers of messages are no powers of ten": Export(
        "t,rpm,id\n0,1,7E8\n1,2,7E9\n", {"rpm": [1, 2]}, [0, 1], events=[("id", "7E8"), ("id", "7E9")]
    ),
    "ten among hexadecimal numbers is not ten": Export(
        "t,rpm,word\n0,1,0x1F\n1,2,0x20\n2,3,10\n", {"rpm": [1, 2, 3]}, [0, 1, 2], faults=3
    ),
    "totals below the rows": Export(
        "Time,Volume\n2024-03-10 00:00,5\n2024-03-10 01:00,6\nTotal,11\n2024-03-11 00:00,7\nTotal,7\nGrand Total,18\n",
        {"Volume": [5, 6, 7]},
        [0, 3600, 86400],
        start="2024-03-10T00:00:00",
    ),
    "the terminal of a database": Export(
        " time | speed\n------+-------\n    0 |     5\n    1 |     6\n(2 rows)\n", {"speed": [5, 6]}, [0, 1]
    ),
    "HOBO": Export(
        '"Plot Title: 10345678"\n"#","Date Time, GMT+00:00","Temp, °C (LGR S/N: 1, SEN S/N: 2)",'
        '"End Of File (LGR S/N: 1)"\n'
        "1,03/24/24 10:00:00 AM,20.5,\n2,03/24/24 10:10:00 AM,20.6,Logged\n",
        {"#": [1, 2], "Temp (LGR S/N: 1, SEN S/N: 2) [°C]": [20.5, 20.6]},
        [0, 600],
        start="2024-03-24T10:00:00",
        events=[("End Of File (LGR S/N: 1)", "Logged")],
    ),
    "Italian, times of day with a point": Export(
        "Data e ora;Fascia;Veicoli;Velocità media (km/h)\n13/03/2024 00:00;00.15;1.234;48,7\n"
        "13/03/2024 01:00;01.15;1.240;49\n",
        {"Veicoli": [1234, 1240], "Velocità media [km/h]": [48.7, 49]},
        [0, 3600],
        start="2024-03-13T00:00:00",
        faults=2,
    ),
    "dates beside the time": Export(
        "t,rpm,day\n0,1,01.09.2023\n1,2,02.09.2023\n",
        {"rpm": [1, 2]},
        [0, 1],
        events=[("day", "01.09.2023"), ("day", "02.09.2023")],
    ),
}


@pytest.mark.parametrize("title", EXPORTS)
def test_an_export_is_read_as_it_is_meant(title):
    export = EXPORTS[title]
    played = play(export.text, origin="file", speed=1e9, **export.options)

    assert played.error is None
    start = datetime.fromisoformat(export.start).replace(tzinfo=UTC).timestamp() if export.start else 0
    assert [_channels(played, i) for i in range(len(played.closed))] == [export.channels, *export.more]
    first = min(played.samples(0))
    assert played.timestamps(first) == [round((start + t) * 1000) * 1_000_000 for t in export.times]
    events = [(name, text) for i in range(len(played.closed)) for _, name, text in played.events(i)]
    assert events == export.events
    assert len(played.malformed) == export.faults


@pytest.mark.parametrize("title", EXPORTS)
def test_the_settings_that_are_found_read_the_file_the_same_way(title, tmp_path):
    text = EXPORTS[title].text
    file = tmp_path / "drive.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    options = CsvOptions(path=str(file))
    opened = open_file(file, options)
    opened.table.close()
    found, again = (
        play(text, origin="file", speed=1e9, **settings) for settings in ({}, settings_of(opened.understood, options))
    )

    assert again.error is None
    assert [_channels(again, i) for i in range(len(again.closed))] == [
        _channels(found, i) for i in range(len(found.closed))
    ]
    assert again.timestamps(min(again.samples())) == found.timestamps(min(found.samples()))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Zählung;Geschwindigkeit (km/h);Größe"),
        ("cp1252", "Débit (véh/h);Température;où;cœur"),
        ("cp1252", "Velocità (km/h);più;Quantità"),
        ("cp1252", "Estação;Emissões;Média"),
        ("cp1252", "Hastighet;Kö;Anmärkning;Å"),
        ("cp1252", "Fødested;Målested;Kørsel"),
        ("cp1252", "Crème;Élève;Côté"),
        ("cp1252", "Temp (°C);µg/m³;W/m²;5 €;£5"),
        ("cp1250", "Prędkość (km/h);Łącznie"),
        ("cp1250", "Ciśnienie;Temperatura wody (°C)"),
        ("cp1250", "Počet;Otáčky;Směr"),
        ("cp1250", "Hőmérséklet (°C);Fordulatszám"),
        ("iso8859-2", "Prędkość (km/h);Łącznie;ś"),
        ("cp1251", "Время;Скорость (км/ч)"),
        ("cp1253", "Χρόνος;Ταχύτητα"),
        ("cp850", "Zählung;Größe;Temp (°C)"),
        ("mac_roman", "Temp (°C);Größe"),
    ],
)
def test_letters_of_one_language_tell_the_encoding(encoding, text):
    assert detect_one_byte([text.encode(encoding)]) == encoding


def test_letters_of_many_languages_tell_nothing():
    assert detect_one_byte(["Zählung;Besançon;København;Málaga".encode("cp1252")]) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "Zeitpunkt;Zählung\n27.10.2024 01:00:00;1.234\n27.10.2024 01:15:00;1.240\n",
            'numbers such as \'1.234\' may be thousands or have three decimals: say thousands = "." or decimal = "."',
        ),
        (
            "Time (s),RPM\n0.0,1000\n0.1,1010\nTime (s),RPM,Speed\n0.0,2000,1\n0.1,2010,2\n0.2,2020,3\n",
            "line 4 is a header with more titles than that of line 1; put the two runs into two files, or say "
            "header = 1 or 4 to read one of them",
        ),
    ],
)
def test_what_may_be_meant_in_two_ways_is_asked(text, problem):
    assert str(play(text).error).endswith(f"drive.csv: {problem}")


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        (
            "Time,Speed\ns,km/h\n0.0,1\n0.1,2\nTime,Speed\ns,mph\n0.2,3\n0.3,4\n",
            ("units", "line 6: other units, 's, mph'; values stay as they are"),
        ),
        (
            "Time,RPM,Speed\n0.0,1,1\n0.1,1,2\nTime,Speed,RPM\n0.2,3,2\n0.3,4,2\n",
            ("header", "line 4: the columns are others from here on, and are read by their titles"),
        ),
        (
            "Venue,Spa\n\nTime,RPM\n0.0,1\n0.1,1\nVenue,Monza\nTime,RPM\n0.2,2\n0.3,2\n",
            ("preamble", "line 6: 'Venue Monza' is of a further run, and no row"),
        ),
        ("Time,RPM\n0.0,1\n0.1,1\nTotal,2\n", ("total", "line 4: a line of totals, 'Total', is no row")),
    ],
)
def test_lines_that_are_no_rows_are_said_and_are_no_loss(text, notice):
    played = play(text, origin="file", speed=1e9)

    assert [(kind, detail.partition("drive.csv: ")[2]) for kind, detail in played.notices] == [notice]
    assert played.malformed == []
    assert len(played.closed) == 1


@pytest.mark.parametrize(("option", "values"), [("thousands", [1234, 1240]), ("decimal", [1.234, 1.24])])
def test_the_option_that_is_asked_for_answers(option, values):
    text = "Zeitpunkt;Zählung\n27.10.2024 01:00:00;1.234\n27.10.2024 01:15:00;1.240\n"
    assert play(text, origin="file", speed=1e9, **{option: "."}).values() == values


def _channels(played, session):
    names = {}
    for update in played.of(Publish):
        for application in read_configuration(update.text).applications.values():
            for p in application.parameters:
                names[p.channels[0]] = f"{p.name} [{p.unit}]" if p.unit else p.name
    samples = played.samples(session)
    return {names[channel]: [value for _, _, value in of] for channel, of in sorted(samples.items())}
