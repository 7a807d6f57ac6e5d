"""What labels are called: label maps, task maps, descriptions and the product tree."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.domain.catalogue.editions import attribute_label
from app.domain.catalogue.values import Flaw, LabelText, RecordError, text_of, valid_text

TASKS: Final = "taskInfo"
LABEL_SECTIONS: Final = frozenset({"labelInfo", "categories", "attributes"})


def parse_label(section: str, record: object) -> LabelText:
    """An element of `labelInfo` {labelId, labelName}, or of `categories` or `attributes` {id, name, supercategory}."""
    if not isinstance(record, dict):
        raise RecordError(Flaw.NOT_AN_OBJECT, "A label's description is an object with an id and a name.")
    if section == "labelInfo":
        return _described(record.get("labelId"), record.get("labelName"))
    described = _described(record.get("id"), record.get("name"), record.get("supercategory"))
    if section == "categories":
        return described
    return LabelText(attribute_label(described.label), described.name, described.above)


def parse_task(record: object) -> LabelText:
    """An element of `taskInfo` {taskId, taskName}; its id stands for the label's."""
    if not isinstance(record, dict):
        raise RecordError(Flaw.NOT_AN_OBJECT, "A task's description is an object with an id and a name.")
    return _described(record.get("taskId"), record.get("taskName"))


def parse_label_row(row: Mapping[str, str]) -> LabelText:
    """A row of a label map in CSV: labelId, labelName and, perhaps, taskName."""
    return _described(row.get("labelId"), row.get("labelName"), row.get("taskName"))


def _described(label: object, name: object, above: object = None) -> LabelText:
    label = text_of(label)
    if label is None:
        raise RecordError(Flaw.MISSING_ID, "The description has no id that is a number or a text.")
    parent = text_of(above)
    return LabelText(label, text_of(name) or label, () if parent is None else (parent,))


def tree_labels(tree: Mapping[str, Any]) -> Iterator[LabelText]:
    """The leaves of a product tree {node: {node: [label, ..]}}, each below the names of its nodes."""
    open_nodes: list[tuple[tuple[str, ...], object]] = [((), dict(tree))]
    while open_nodes:
        above, node = open_nodes.pop()
        if isinstance(node, dict):
            inner = [((*above, valid_text(name)), child) for name, child in node.items()]
            open_nodes += reversed(inner)
        elif isinstance(node, list):
            for leaf in node:
                label = text_of(leaf)
                if label is None:
                    open_nodes.append((above, leaf))
                else:
                    yield LabelText(label, label, above)
