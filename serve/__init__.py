"""How a model is offered: HTTP and batch scoring. No torch is imported from here."""
