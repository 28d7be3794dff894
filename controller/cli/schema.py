"""`shjobs schema`: the schema that editors use to help with writing manifests."""

import json

import click


@click.command("schema", short_help="Print the JSON Schema of manifests, for editors.")
def command() -> int:
    """Print the JSON Schema of manifests, for editors.

    `shjobs schema > manifest.schema.json`, then write as first line of a manifest:
    # yaml-language-server: $schema=<path of that file from here>
    """
    from controller.operations.scaffold.schema import file_schema

    click.echo(json.dumps(file_schema(), indent=2, ensure_ascii=False))
    return 0
