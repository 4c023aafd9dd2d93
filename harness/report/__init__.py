"""From records to statistics, tables, figures and one HTML page. Imports no torch."""
