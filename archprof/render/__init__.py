"""Report → text: tables for people, Markdown, CSV and JSON."""
