"""Files of every job: whole or absent, regular ones alone, rows of tables, parts of work that are kept."""
