"""Small files of the shapes that loggers, spreadsheets and databases write, and how each is laid out."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    text: str
    delimiter: str
    header: int
    units: int
    sources: int
    first_line: int
    columns: int


KINDS = {
    "MoTeC i2": Kind(
        '"Format","MoTeC CSV File",,,"Workbook","Circuit 1"\n'
        '"Venue","Spa",,,"Worksheet","Driver"\n'
        '"Vehicle","GT3",,,"Vehicle Desc",""\n'
        '"Driver","Ann",,,"Engine ID",""\n'
        '"Device","ADL3"\n'
        '"Comment","",,,"Session",""\n'
        '"Log Date","24/03/2019",,,"Origin Time","0.000","s"\n'
        '"Log Time","10:22:33",,,"Start Time","0.000","s"\n'
        '"Sample Rate","20.000","Hz",,"End Time","95.500","s"\n'
        '"Duration","95.500","s",,"Start Distance","0","m"\n'
        '"Range","entire outing",,,"End Distance","4000","m"\n'
        '"Beacon Markers","46.1 95.2"\n'
        "\n"
        "\n"
        '"Time","Distance","Ground Speed","Engine RPM","Throttle Pos","Gear","G Force Lat"\n'
        '"s","m","km/h","rpm","%","","G"\n'
        "\n"
        "\n"
        '"0.000","0","0.0","1200","0.0","0","0.01"\n'
        '"0.050","0","0.1","1210","0.0","0","0.01"\n'
        '"0.100","1","0.4","1290","3.0","1","0.02"\n',
        ",",
        15,
        16,
        0,
        19,
        7,
    ),
    "HP Tuners": Kind(
        "HP Tuners CSV Log File - Export\n"
        "Version: 1.0\n"
        "\n"
        "[Log Information]\n"
        "Creation Time: 6/25/2020 9:07:51 PM\n"
        "Notes: \n"
        "\n"
        "[Channel Information]\n"
        "0,12,13,2114,6310\n"
        "Offset,Engine RPM,Vehicle Speed,Mass Airflow,Trans Gear\n"
        "s,rpm,mph,g/s,\n"
        "\n"
        "[Channel Data]\n"
        "0.000,800,0,4.51,\n"
        "0.051,801,0,4.52,1\n"
        "0.102,802,0,,1\n"
        "0.15,804,1,4.6,1\n",
        ",",
        10,
        11,
        0,
        14,
        5,
    ),
    "Campbell TOA5": Kind(
        '"TOA5","Station1","CR1000","1234","CR1000.Std.31","CPU:prog.CR1","5432","Table1"\n'
        '"TIMESTAMP","RECORD","BattV_Min","AirTC_Avg","WS_ms_S_WVT","WindDir"\n'
        '"TS","RN","Volts","Deg C","meters/second","Deg"\n'
        '"","","Min","Avg","WVc","Smp"\n'
        '"2021-01-01 00:00:00",0,12.5,4.2,1.1,270\n'
        '"2021-01-01 00:10:00",1,12.4,4.1,"NAN",268\n',
        ",",
        2,
        3,
        4,
        5,
        6,
    ),
    "HOBO": Kind(
        '"Plot Title: Stream 3"\n'
        '"#","Date Time, GMT-04:00","Temp, °F (LGR S/N: 10089, SEN S/N: 10089)","Coupler Attached (LGR S/N: 10089)"\n'
        "1,05/12/12 12:00:00 PM,71.2,Logged\n"
        "2,05/12/12 12:15:00 PM,71.3,\n"
        "3,05/12/12 12:30:00 PM,71.4,\n",
        ",",
        2,
        0,
        0,
        3,
        4,
    ),
    "InfluxDB, annotated": Kind(
        "#group,false,false,true,true,false,false,true,true\n"
        "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string\n"
        "#default,_result,,,,,,,\n"
        ",result,table,_start,_stop,_time,_value,_field,_measurement\n"
        ",,0,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z,2020-01-01T01:00:00Z,5.1,usage,cpu\n"
        ",,0,2020-01-01T00:00:00Z,2020-01-02T00:00:00Z,2020-01-01T01:00:10Z,5.2,usage,cpu\n",
        ",",
        4,
        0,
        0,
        5,
        9,
    ),
    "Torque, header again": Kind(
        "GPS Time, Device Time, Longitude, Latitude,GPS Speed (Meters/second),Engine RPM(rpm),G(x)\n"
        "Sat Jan 29 00:56:52 GMT+00:00 2022,29-Jan-2022 00:56:52.202,-1.5,52.1,0.0,800,0.1\n"
        "Sat Jan 29 00:56:53 GMT+00:00 2022,29-Jan-2022 00:56:53.202,-1.5,52.1,0.0,-,0.1\n"
        "GPS Time, Device Time, Longitude, Latitude,GPS Speed (Meters/second),Engine RPM(rpm),G(x)\n"
        "Sat Jan 29 00:57:53 GMT+00:00 2022,29-Jan-2022 00:57:53.202,-1.5,52.1,0.0,801,0.1\n",
        ",",
        1,
        0,
        0,
        2,
        7,
    ),
    "TrackAddict": Kind(
        "# RaceRender Data: TrackAddict 4.6.0 on iOS 12.4 [iPhone]\n"
        "# Vehicle: Car\n"
        "# End Point: 42.1, -83.2  @ -1.00 deg\n"
        '"Time","UTC Time","Lap","Predicted Lap Time","GPS_Update","GPS_Delay","Latitude","Longitude","Altitude (m)"\n'
        "0.000,1565555555.123,0,0,1,0.1,42.1,-83.2,200.1\n"
        "# Lap 1: 00:01:02.3\n"
        "0.050,1565555555.173,0,0,0,0.1,42.1,-83.2,200.1\n",
        ",",
        4,
        0,
        0,
        5,
        9,
    ),
    "Harry's LapTimer": Kind(
        '"Harry\'s GPS LapTimer - LapTimer-0001"\n'
        "INDEX,LAPINDEX,DATE,TIME,TIME_LAP,LATITUDE,LONGITUDE,SPEED_KPH,LOCKED\n"
        "1,1,04-AUG-18,10:11:12.13,0.00,49.1,8.5,100.2,\n"
        "2,1,04-AUG-18,10:11:12.23,0.10,49.1,8.5,100.3,\n",
        ",",
        2,
        0,
        0,
        3,
        9,
    ),
    "LabVIEW": Kind(
        "LabVIEW Measurement\t\n"
        "Writer_Version\t2\n"
        "Reader_Version\t2\n"
        "Separator\tTab\n"
        "Decimal_Separator\t.\n"
        "Multi_Headings\tNo\n"
        "X_Columns\tOne\n"
        "Time_Pref\tAbsolute\n"
        "Operator\tann\n"
        "Date\t2019/05/13\n"
        "Time\t10:11:12.345\n"
        "***End_of_Header***\t\n"
        "\t\n"
        "Channels\t2\t\t\n"
        "Samples\t10\t10\t\n"
        "Date\t2019/05/13\t2019/05/13\t\n"
        "Time\t10:11:12.3\t10:11:12.3\t\n"
        "Y_Unit_Label\tVolts\tVolts\t\n"
        "X_Dimension\tTime\tTime\t\n"
        "X0\t0.0\t0.0\t\n"
        "Delta_X\t0.001\t0.001\t\n"
        "***End_of_Header***\t\t\t\n"
        "X_Value\tVoltage_0\tVoltage_1\tComment\n"
        "0.000000\t1.1\t2.1\n"
        "0.001000\t1.2\t2.2\n"
        "0.002000\t1.3\t2.3\n",
        "\t",
        23,
        0,
        0,
        24,
        4,
    ),
    "RaceChrono 2": Kind(
        "This file is created using RaceChrono v5.13 ( http://racechrono.com/ ).\n"
        "Format,2\n"
        'Session title,"X"\n'
        "Session type,Lap timing\n"
        'Track name,"X"\n'
        "Driver name,\n"
        "Export scope,Whole session\n"
        "Created,12/05/2019,13:14\n"
        "Note,\n"
        "\n"
        "Time (s),Session fragment #,Lap #,Trap name,X-position (m),Distance (m),Speed (m/s),Altitude (m)\n"
        "1557600000.1,0,,,1.0,0.0,10.1,200\n"
        "1557600000.2,0,1,Start,1.1,1.0,10.2,200\n",
        ",",
        11,
        0,
        0,
        12,
        8,
    ),
    "Racepak": Kind(
        "Time,RPM,Drive Shaft,G-Meter\nSeconds,RPM,RPM,Gs\n0.000,5000,0,0.1\n0.010,5010,0,0.2\n", ",", 1, 2, 0, 3, 4
    ),
    "columns of blanks under a comment": Kind(
        "# a log\n# rate: 10 Hz\n# time a b\n0.0   1.5  2\n0.1   1.6  3\n10.2  1.7  4\n", " ", 3, 0, 0, 4, 3
    ),
    "titles behind #": Kind("#time,a,b\n0,1,2\n1,2,3\n", ",", 1, 0, 0, 2, 3),
    "rostopic echo": Kind(
        "%time,field.header.seq,field.x\n1557600000123456789,1,0.5\n1557600000223456789,2,0.6\n", ",", 1, 0, 0, 2, 3
    ),
    "Excel's sep line": Kind("sep=;\nTime;Wert\n0;1,5\n1;1,6\n", ";", 2, 0, 0, 3, 2),
    "Swiss": Kind(
        "Zeit;Preis;Temp\n01.02.2024 00:00;1'234.50;3.5\n01.02.2024 00:15;1'230.00;3.6\n", ";", 1, 0, 0, 2, 3
    ),
    "French": Kind(
        "Heure;Débit;Température (°C)\n01/02/2024 00:00;1\u202f234,5;3,5\n01/02/2024 00:15;1\u202f230,0;3,6\n",
        ";",
        1,
        0,
        0,
        2,
        3,
    ),
    "no header": Kind("0.0,1,2\n0.1,2,3\n0.2,3,4\n", ",", 0, 0, 0, 1, 3),
    "no header, dates and words": Kind(
        "2024-01-01 00:00:00\t1,5\tauf\n2024-01-01 00:01:00\t1,6\tzu\n", "\t", 0, 0, 0, 1, 3
    ),
    "one row": Kind("Time (s),RPM\n0.1,800\n", ",", 1, 0, 0, 2, 2),
    "numbers as titles": Kind(
        "Time,1001,1002,1003\n2024-01-01 00:00,5,6,7\n2024-01-01 00:15,5,6,7\n", ",", 1, 0, 0, 2, 4
    ),
    "numbers as titles below a preamble": Kind(
        "Location,Main St,High St,Mill Rd\nTime,1001,1002,1003\n2024-01-01 00:00,5,6,7\n2024-01-01 00:15,5,6,7\n",
        ",",
        2,
        0,
        0,
        3,
        4,
    ),
    "Dewesoft": Kind(
        "Data file name:;test.dxd\n"
        "Sample rate:;1000 Hz\n"
        "Recorded on:;12.03.2021 10:11:12\n"
        "\n"
        "Time (s);AI 1 (V);AI 2 (V)\n"
        "0,000;1,2345;2,0\n"
        "0,001;1,2346;2,1\n",
        ";",
        5,
        0,
        0,
        6,
        3,
    ),
    "Gantner": Kind(
        "Timestamp;Ch1;Ch2\n;°C;bar\n2021-03-12 10:11:12.000;20,1;1,01\n2021-03-12 10:11:12.100;20,2;1,02\n",
        ";",
        1,
        2,
        0,
        3,
        3,
    ),
    "EcuTek": Kind(
        '"Time (s)","Engine Speed (RPM)","Gear","Comment"\n0.0,800,N,\n0.1,810,1,"shift, up"\n', ",", 1, 0, 0, 2, 4
    ),
    "COBB": Kind(
        "Time (sec),AF Correction 1 (%),Boost (psi),AP Info:[AP3-SUB-004 v1.7.4][2015 WRX][Reflash: x.ptm]\n"
        "0,0.5,-10.1,\n"
        "0.05,0.4,-10.2,\n",
        ",",
        1,
        0,
        0,
        2,
        4,
    ),
    "DataFlash": Kind(
        "timestamp,TimeUS,Roll,Pitch\n2020-01-01 10:00:00.123,1234,0.5,0.6\n2020-01-01 10:00:00.223,2234,0.5,0.6\n",
        ",",
        1,
        0,
        0,
        2,
        4,
    ),
    "BlueDriver": Kind("BlueDriver Data Log\nAug 17, 2025\nTime (s),RPM (RPM)\n0.0,800\n1.0,801\n", ",", 3, 0, 0, 4, 2),
    "units below the titles": Kind(
        "Version;1\nDate;3/12/2021\n\nTime;Voltage_0;Voltage_1\ns;V;V\n0;1.5;2.5\n0.1;1.5;2.5\n", ";", 4, 5, 0, 6, 3
    ),
    "VBOX": Kind(
        "File created on 12/03/2021 at 10:11:12\n"
        "\n"
        "[header]\n"
        "satellites\n"
        "time\n"
        "\n"
        "[column names]\n"
        "sats time lat long velocity\n"
        "[data]\n"
        "009 101112.10 +3119.09 -00058.49 000.02\n"
        "009 101112.20 +3119.09 -00058.49 000.12\n",
        " ",
        8,
        0,
        0,
        10,
        5,
    ),
    "Grafana for Excel": Kind(
        'sep=,\n"Time","a"\n"2024-03-31 01:45:00","48.1 km/h"\n"2024-03-31 01:46:00","48.2 km/h"\n', ",", 2, 0, 0, 3, 2
    ),
    "long table": Kind(
        "zone;station;valeur;date\n"
        "N;Rue A;12;2024-01-01T00:00:00Z\n"
        "N;Rue B;13;2024-01-01T00:00:00Z\n"
        "S;Rue C;;2024-01-01T00:00:00Z\n",
        ";",
        1,
        0,
        0,
        2,
        4,
    ),
    "lists in cells": Kind("time,list,x\n0,1;2;3,5\n1,1;2;3,6\n", ",", 1, 0, 0, 2, 3),
    "numbers of cars behind #": Kind("car,time,v\n#1,0,5\n#2,0,6\n#1,1,5\n#2,1,7\n", ",", 1, 0, 0, 2, 3),
    "no title over the last column": Kind("t,a,\n0,1,5\n1,2,6\n", ",", 1, 0, 0, 2, 3),
    "delimiters at all ends": Kind("t,a,,\n0,1,,\n1,2,,\n", ",", 1, 0, 0, 2, 2),
    "units in brackets": Kind("Time;Speed;Temp\n[s];[km/h];[°C]\n0;1;2\n1;2;3\n", ";", 1, 2, 0, 3, 3),
    "a unit that is missing": Kind("Time,Speed,Flag,Temp\ns,km/h,-,°C\n0,1,1,2\n1,2,0,3\n", ",", 1, 2, 0, 3, 4),
    "tabs and commas of clock times": Kind(
        "Zeit\tDrehzahl\tLast\n00:00:01,100\t800\t12,5\n00:00:01,200\t810\t12,6\n", "\t", 1, 0, 0, 2, 3
    ),
    "groups above the titles": Kind(
        ",Engine,Engine,GPS\nTime,RPM,Load,Speed\ns,rpm,%,km/h\n0,800,1.5,3\n1,900,1.5,3\n", ",", 2, 3, 0, 4, 4
    ),
    "a first row without a time": Kind(
        "t,a\nx,0\n0,0\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,7\n8,8\n9,9\n10,10\n11,11\n", ",", 1, 0, 0, 2, 2
    ),
    "bars": Kind("date|a|b\n2024-01-01|1,5|2\n2024-01-02|1,6|2\n", "|", 1, 0, 0, 2, 3),
    "marks between rows": Kind("Time,Lap,Speed\n0,,5\nLap 1,,\n1,1,5\n", ",", 1, 0, 0, 2, 3),
    "descriptions above the units": Kind(
        "Time;Temp;Pressure\nTime of day;Inlet temperature;Rail pressure\n;°C;bar\n10:00:00;5,1;3\n10:00:01;5,1;3\n",
        ";",
        2,
        3,
        0,
        4,
        3,
    ),
    "lines drawn below the titles": Kind(
        "Date       Time     Temp  Hum\n"
        "---------- -------- ----- ---\n"
        "2024-01-01 00:00:00  1.5   20\n"
        "2024-01-01 00:15:00  1.6   21\n",
        " ",
        1,
        0,
        0,
        3,
        4,
    ),
    "no header, dates and times apart": Kind(
        "2024-01-01 00:00:00 1.5 2.5\n2024-01-01 00:00:01 1.6 2.6\n", " ", 0, 0, 0, 1, 4
    ),
    "words and numbers in a column": Kind(
        "topic,payload,ts\na/b,5,2024-01-01 00:00:00\na/c,on,2024-01-01 00:00:01\n", ",", 1, 0, 0, 2, 3
    ),
    "flags as titles": Kind("on,time,v\ntrue,0,5\nfalse,1,6\n", ",", 1, 0, 0, 2, 3),
    "LabVIEW without times": Kind(
        "LabVIEW Measurement\nSeparator\tTab\n***End_of_Header***\n\nChannels\t1\n***End_of_Header***\n"
        "X_Value\tUntitled\tComment\n"
        "\t1.5\n"
        "\t1.6\n",
        "\t",
        7,
        0,
        0,
        8,
        3,
    ),
    "types below the titles": Kind("Time,Speed,Load\nfloat,float,int\n0,5,1\n1,6,2\n", ",", 1, 0, 0, 3, 3),
    "a first row with a quote too many": Kind('t,a\n"0,1\n1,2\n2,3\n', ",", 1, 0, 0, 2, 2),
}
