"""YAML of users, without what makes a small text large or deep."""

import yaml

MAX_DEPTH = 32


class PlainLoader(yaml.SafeLoader):
    """No aliases (a small document with aliases of aliases becomes endless text), at most `MAX_DEPTH` levels."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._refused("aliases are not allowed")
        if self.depth >= MAX_DEPTH:
            raise self._refused(f"more than {MAX_DEPTH} levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refused(self, problem: str) -> yaml.MarkedYAMLError:
        return yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())


def load(text: str) -> object:
    """Read one document. Raises YAMLError, or what the constructors of SafeLoader raise for wrong scalars."""
    return yaml.load(text, Loader=PlainLoader)  # noqa: S506  # a safe loader
