"""The sections of the page: each module turns folders of a run into facts, tables and charts."""
