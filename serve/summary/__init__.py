"""What a scored table says: counts with intervals, evidence, what was left undecided, as a report to hand on."""
