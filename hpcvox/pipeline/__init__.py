"""Every job in turn, from crystals to the report, each in its own folder below one."""
