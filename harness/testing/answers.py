"""What the other process of the checks does: it builds data, and goes on with runs that were begun elsewhere."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from harness.base.errors import described
from harness.plugins.registry import Registry
from harness.testing import of_datasets, of_models, of_strategies


def main() -> None:
    """Answer questions, a line of JSON each, until there are no more. What plug-ins print goes to the errors."""
    registry = Registry(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for line in sys.stdin:
            print(json.dumps(_answered(registry, **json.loads(line))), file=answers, flush=True)


def _answered(registry: Registry, kind: str, name: str, **more: Any) -> dict[str, Any]:
    try:
        match kind:
            case "data set":
                return {"said": of_datasets.built(registry.datasets[name].cls)}
            case "model":
                return {"said": of_models.went_on(registry, name, **more)}
            case _:
                return {"said": of_strategies.went_on(registry, name, **more)}
    except Exception as error:
        return {"failed": described(error)}


if __name__ == "__main__":
    main()
