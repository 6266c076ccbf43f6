"""Graph → Report, and the questions that are asked of reports."""
