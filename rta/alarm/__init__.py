"""Alarms: when samples raise one, which alarms are active, and the messages about them.

Plain code: samples and the time go in, changes come out.
"""
