"""Looks at events by the Open Cybersecurity Schema Framework's own schema. Each question holds `event`; the answer is what is
wrong with it, in words: nothing where it is as the schema of its version and class wants it.
"""

from jsonschema import Draft202012Validator
from lines import answer
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

_known = {}


def _schema(version, uid):
    if (version, uid) not in _known:
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
        name = schema.lookup_class_name_from_uid(class_uid=uid)
        _known[version, uid] = Draft202012Validator(schema.get_class_schema(class_name=name))
    return _known[version, uid]


def _problems(event):
    found = _schema(event["metadata"]["version"], event["class_uid"]).iter_errors(event)
    return [f"{'/'.join(map(str, each.absolute_path))}: {each.message}" for each in found]


answer(lambda question: {"problems": _problems(question["event"])})
