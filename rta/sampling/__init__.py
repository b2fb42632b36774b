"""From the bursts of a session to samples of statuses: which session, which channel, which conversion. Plain code."""
