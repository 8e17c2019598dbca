"""What turns an article into scores: encoding, network, decision, evidence, checkpoint, classifier."""
