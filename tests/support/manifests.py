"""A good manifest and its evalscript for tests, ways to spoil it, and what is said about the result."""

from controller.manifest.document import read_documents
from controller.manifest.validate import Broken, Script, ValidManifest, accept
from controller.model.errors import Problem

SCRIPT = Script(path="ndvi.js", text="//VERSION=3\nfunction evaluatePixel() { return [1]; }\n")

GOOD = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata:
  name: ndvi-tunis
  labels: {team: agri}
spec:
  request:
    input:
      bounds:
        bbox: [426000, 3960000, 462000, 3994000]
        properties: {crs: http://www.opengis.net/def/crs/EPSG/0/32633}
      data:
        - type: sentinel-2-l2a
          dataFilter:
            timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}
    output:
      resx: 10
      resy: 10
      responses: [{identifier: default, format: {type: image/tiff}}]
      delivery:
        s3:
          url: s3://my-bucket/ndvi
          credentialsRef: my-bucket
  evalscriptFile: ndvi.js
  maxProcessingUnits: 800
"""


def judged(text: str, script: Script | None = SCRIPT, path: str = "ndvi.yaml") -> ValidManifest | Broken:
    (document,) = read_documents(text, path)
    return accept(document, path, script)


def accepted(text: str, script: Script | None = SCRIPT) -> ValidManifest:
    job = judged(text, script)
    assert isinstance(job, ValidManifest), [str(each) for each in job.problems]
    return job


def reported(text: str, script: Script | None = SCRIPT) -> list[str]:
    job = judged(text, script)
    assert isinstance(job, Broken)
    return list(map(shown, job.problems))


def good_but(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def doubted(text: str, script: Script | None = SCRIPT) -> list[str]:
    return list(map(shown, judged(text, script).warnings))


def shown(problem: Problem) -> str:
    return f"{problem.line}:{problem.column} {problem.code} {problem.field}: {problem.message}"
