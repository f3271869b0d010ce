"""The texts of ``--help``: for hpcvox, for a verb and its settings, and for verbs that have verbs of their own."""

from hpcvox import config, defaults
from hpcvox.cli.verbs import GROUPS, OTHERS, SHARD_VERBS, Verb, every


def overview() -> str:
    """The help of hpcvox itself: all verbs, how settings are written, the exit statuses."""
    others = {"shards": f"{', '.join(SHARD_VERBS)}: of shard sets", **OTHERS}
    verbs = {name: verb.help for name, verb in every().items()} | others
    lines = "\n".join(f"  {name:<20} {text}" for name, text in verbs.items())
    return (
        "usage: hpcvox VERB [CONFIG.yaml] [key=value ...]\n\n"
        f"{lines}\n\n"
        "hpcvox VERB --help lists a verb's settings; hpcvox VERB --defaults prints them as a config.\n"
        "Names and paths mean exactly what you write (base=0010, id_column=No); null means no value; numbers are\n"
        "decimal (1000, -0.5, 1e-3); a list is [a, b].\n"
        "Exit status: 0 done; 2 an error, printed on standard error; 4 done, but some inputs were rejected (a table\n"
        "lists them with the reasons); 75 interrupted, its state saved: run it again to go on."
    )


def of_verb(name: str, verb: Verb, settings: config.Settings) -> str:
    """The help of a verb: its usage, what it does, and its settings with their values."""
    lines = [f"usage: hpcvox {name} [CONFIG.yaml] [key=value ...]"]
    if name in GROUPS:
        lines.append(usages(name))
    lines += ["", defaults.about(type(settings)) or verb.help, "", "settings:", *defaults.listed(settings)]
    return "\n".join(lines)


def usages(group: str) -> str:
    """One line for each verb of ``group``: its usage and what it does."""
    told = {usage(group, name): verb.help for name, verb in GROUPS[group].items()}
    width = max(map(len, told))
    return "\n".join(f"  {line:<{width}}  {text}" for line, text in told.items())


def usage(group: str, name: str) -> str:
    """The command line of the verb ``name`` of ``group``."""
    verb = GROUPS[group][name]
    if isinstance(verb, Verb):
        return f"hpcvox {group} {name} [CONFIG.yaml] [key=value ...]"
    arguments = " ".join(verb.arguments).replace("SET ...", "SET [SET ...]")
    return f"hpcvox {group} {name} {arguments}" + (" [key=value ...]" if verb.settings else "")
