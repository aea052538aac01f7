"""The language both ends speak: pure values and pure rules, no I/O, no clock, no dice."""
