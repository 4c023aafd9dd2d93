"""The contracts of plug-ins, which `harness.api` gives them; the letters at the end of a name are its shape."""
