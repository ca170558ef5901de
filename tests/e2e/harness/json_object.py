"""The one loose type of the harness: a JSON object."""

from typing import Any, TypeAlias

# What a server sent or is sent: tests reach into it by literal keys, and no narrower type that
# allows `pod["metadata"]["name"]` exists.
JsonObject: TypeAlias = dict[str, Any]
