"""Small synthetic logs, each with one fault that the checks of data must find, or with none."""
