"""Alarms: when the data of a source call for one, which are active, and what is said of them.

Plain code: samples and the time go in, changes come out.
"""
