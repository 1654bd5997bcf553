"""The instruments: each measures one thing in a training session and hands out readings. torch -> readings."""
