"""The sections of the page, a module each: what a run's folders say, as facts, tables and charts."""
