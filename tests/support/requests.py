"""Requests as people publish them: bodies of every collection, and the forms in which such bodies are passed on."""

import json
from collections.abc import Callable
from typing import Any

Body = dict[str, Any]
Form = Callable[[Body, str], str]

ENDPOINT = "https://sh.dataspace.copernicus.eu/api/v1/process"
UTM33 = {"crs": "http://www.opengis.net/def/crs/EPSG/0/32633"}
UTM32 = {"crs": "http://www.opengis.net/def/crs/EPSG/0/32632"}
MERCATOR = {"crs": "http://www.opengis.net/def/crs/EPSG/0/3857"}
WGS84 = {"crs": "http://www.opengis.net/def/crs/EPSG/0/4326"}
CRS84 = {"crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
ROME = [12.44693, 41.870072, 12.541001, 41.917096]
VENICE = [284000, 5030000, 304000, 5050000]
FIELD = [[[14.05, 45.65], [14.35, 45.65], [14.35, 45.85], [14.05, 45.85], [14.05, 45.65]]]
ISLAND = [[[13.42, 44.95], [13.52, 44.95], [13.52, 45.05], [13.42, 44.95]]]
TIFF, PNG, JPEG = ({"type": f"image/{each}"} for each in ("tiff", "png", "jpeg"))


def during(first: str, last: str, **more: Any) -> Body:
    return {"timeRange": {"from": f"{first}T00:00:00Z", "to": f"{last}T23:59:59Z"}, **more}


def asked(bounds: Body, data: Body | list[Body], size: Body, *formats: Body | tuple[str, Body]) -> Body:
    """A body with the keys in the order of the service's pages."""
    files = [each if isinstance(each, tuple) else ("default", each) for each in formats]
    responses = [{"identifier": name, "format": format} for name, format in files]
    output = {**size, **({"responses": responses} if responses else {})}
    return {"input": {"bounds": bounds, "data": data if isinstance(data, list) else [data]}, "output": output}


def pixels(width: int, height: int) -> Body:
    return {"width": width, "height": height}


def steps(x: float, y: float) -> Body:
    return {"resx": x, "resy": y}


def script(inputs: str, output: str, pixel: str, more: str = "") -> str:
    """An evalscript in the manner of the service's pages."""
    return (
        "//VERSION=3\n"
        f"function setup() {{\n  return {{\n    input: {inputs},\n    output: {output}{more}\n  }};\n}}\n\n"
        f"function evaluatePixel(sample) {{\n  return {pixel};\n}}\n"
    )


TRUE_COLOR = script('["B02", "B03", "B04"]', "{ bands: 3 }", "[2.5 * sample.B04, 2.5 * sample.B03, 2.5 * sample.B02]")
FLOAT = '{ bands: 1, sampleType: "FLOAT32" }'
NDVI = script('["B04", "B08"]', FLOAT, "[index(sample.B08, sample.B04)]")
RADAR = script('["VV", "VH"]', '{ bands: 2, sampleType: "FLOAT32" }', "[sample.VV, sample.VH]")
HEIGHT = script('["DEM"]', FLOAT, "[sample.DEM]")
ORBITS = """//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B04", "B08", "SCL", "dataMask"] }],
    output: { bands: 1, sampleType: "FLOAT32" },
    mosaicking: "ORBIT"
  };
}

// The greenest clear look of the period.
function evaluatePixel(samples) {
  let best = -1;
  for (let i = 0; i < samples.length; i++) {
    const clouded = [3, 8, 9, 10].includes(samples[i].SCL);
    if (samples[i].dataMask && !clouded) {
      best = Math.max(best, index(samples[i].B08, samples[i].B04));
    }
  }
  return [best];
}
"""
SEVERAL = """//VERSION=3
function setup() {
  return {
    input: ["B04", "B08", "B11", "dataMask"],
    output: [
      { id: "ndvi", bands: 1, sampleType: "FLOAT32" },
      { id: "ndmi", bands: 1, sampleType: "FLOAT32" },
      { id: "mask", bands: 1, sampleType: "UINT8" }
    ]
  };
}

function evaluatePixel(sample) {
  return {
    ndvi: [index(sample.B08, sample.B04)],
    ndmi: [index(sample.B08, sample.B11)],
    mask: [sample.dataMask]
  };
}
"""
FUSION = """//VERSION=3
function setup() {
  return {
    input: [
      { datasource: "S2L2A", bands: ["B04", "B08", "dataMask"] },
      { datasource: "S1GRD", bands: ["VV"] }
    ],
    output: { bands: 2, sampleType: "FLOAT32" }
  };
}

function evaluatePixel(samples) {
  const optical = samples.S2L2A[0];
  const radar = samples.S1GRD[0];
  return [optical && optical.dataMask ? index(optical.B08, optical.B04) : NaN, radar ? radar.VV : NaN];
}
"""


def landsat(inputs: str) -> str:
    return script(f'["{inputs}"]', FLOAT, f"[sample.{inputs}]")


def sentinel2(first: str, last: str, **more: Any) -> Body:
    return {"type": "sentinel-2-l2a", "dataFilter": during(first, last, **more)}


MOSAIC = "byoc-5460de54-082e-473a-b6ea-d5cbe3c17cca"

# Each body as a manifest has it, and its script.
BODIES: dict[str, tuple[Body, str]] = {
    "NDVI in UTM metres": (
        asked({"bbox": VENICE, "properties": UTM33}, sentinel2("2022-06-01", "2022-06-30"), steps(10, 10), TIFF),
        NDVI,
    ),
    "true color of a city": (
        asked(
            {"bbox": ROME, "properties": CRS84},
            sentinel2("2023-07-01", "2023-07-31", maxCloudCoverage=20, mosaickingOrder="leastCC"),
            pixels(512, 343),
            PNG,
        ),
        TRUE_COLOR,
    ),
    "Sentinel-2 L1C in web mercator": (
        asked(
            {"bbox": [1385000, 5140000, 1395000, 5150000], "properties": MERCATOR},
            {"type": "sentinel-2-l1c", "dataFilter": during("2021-09-01", "2021-09-30")},
            pixels(1000, 1000),
            {**JPEG, "quality": 80},
        ),
        TRUE_COLOR,
    ),
    "the greenest look of a spring": (
        asked(
            {"geometry": {"type": "Polygon", "coordinates": FIELD}, "properties": WGS84},
            sentinel2("2022-03-01", "2022-05-31"),
            pixels(1200, 1100),
            TIFF,
        ),
        ORBITS,
    ),
    "Sentinel-1, orthorectified": (
        asked(
            {"bbox": [450000, 5070000, 470000, 5090000], "properties": UTM33},
            {
                "type": "sentinel-1-grd",
                "dataFilter": during(
                    "2023-01-01",
                    "2023-01-15",
                    acquisitionMode="IW",
                    polarization="DV",
                    orbitDirection="DESCENDING",
                    resolution="HIGH",
                ),
                "processing": {"backCoeff": "SIGMA0_ELLIPSOID", "orthorectify": True},
            },
            steps(10, 10),
            TIFF,
        ),
        RADAR,
    ),
    "Sentinel-1 with terrain correction": (
        asked(
            {"bbox": [13.6, 46.3, 13.9, 46.5]},
            {
                "type": "sentinel-1-grd",
                "dataFilter": during("2022-08-01", "2022-08-12", acquisitionMode="IW", polarization="DV"),
                "processing": {
                    "backCoeff": "GAMMA0_TERRAIN",
                    "orthorectify": True,
                    "demInstance": "COPERNICUS_30",
                    "radiometricTerrainOversampling": 2,
                },
            },
            pixels(1150, 1100),
            TIFF,
        ),
        RADAR,
    ),
    "Sentinel-1 without speckle": (
        asked(
            {"bbox": [13.0, 45.3, 13.3, 45.5]},
            {
                "type": "sentinel-1-grd",
                "dataFilter": during("2022-08-01", "2022-08-12", acquisitionMode="IW", polarization="DV"),
                "processing": {"speckleFilter": {"type": "LEE", "windowSizeX": 5, "windowSizeY": 5}},
            },
            pixels(1150, 1100),
            TIFF,
        ),
        RADAR,
    ),
    "sea ice in wide swath": (
        asked(
            {"bbox": [20.0, 78.0, 22.0, 78.5]},
            {
                "type": "sentinel-1-grd",
                "dataFilter": during(
                    "2022-02-01", "2022-02-05", acquisitionMode="EW", polarization="DH", resolution="MEDIUM"
                ),
            },
            pixels(1000, 1300),
            TIFF,
        ),
        script('["HH", "HV"]', '{ bands: 2, sampleType: "FLOAT32" }', "[sample.HH, sample.HV]"),
    ),
    "heights above the geoid": (
        asked(
            {"bbox": [10.4, 46.4, 10.7, 46.6]},
            {"type": "dem", "processing": {"egm": True, "upsampling": "BILINEAR"}},
            pixels(770, 740),
            TIFF,
        ),
        HEIGHT,
    ),
    "the Copernicus elevation model": (
        asked(
            {"bbox": [10.4, 46.4, 10.7, 46.6]},
            {"type": "dem", "dataFilter": {"demInstance": "COPERNICUS_30"}},
            pixels(770, 740),
            TIFF,
        ),
        HEIGHT,
    ),
    "surface temperature of Landsat": (
        asked(
            {"bbox": ROME},
            {"type": "landsat-ot-l2", "dataFilter": during("2022-07-01", "2022-07-31", tiers="TIER_1")},
            pixels(260, 174),
            TIFF,
        ),
        landsat("B10"),
    ),
    "Landsat 8 at the top of the atmosphere": (
        asked(
            {"bbox": [674600, 4635500, 683400, 4641500], "properties": UTM32},
            {"type": "landsat-ot-l1", "dataFilter": during("2021-05-01", "2021-05-31", mosaickingOrder="leastCC")},
            steps(20, 20),
            TIFF,
        ),
        TRUE_COLOR,
    ),
    "Landsat 5 in the eighties": (
        asked(
            {"bbox": ROME},
            {"type": "landsat-tm-l2", "dataFilter": during("1987-06-01", "1987-08-31")},
            pixels(260, 174),
            PNG,
        ),
        TRUE_COLOR,
    ),
    "harmonized Landsat and Sentinel-2": (
        asked(
            {"bbox": ROME}, {"type": "hls", "dataFilter": during("2021-06-01", "2021-06-10")}, pixels(260, 174), TIFF
        ),
        script('["Red", "NIR_Narrow"]', FLOAT, "[index(sample.NIR_Narrow, sample.Red)]"),
    ),
    "MODIS of a country": (
        asked(
            {"bbox": [6.6, 36.6, 18.5, 47.1]},
            {"type": "modis", "dataFilter": during("2020-07-01", "2020-07-01")},
            pixels(1900, 2300),
            TIFF,
        ),
        script('["B01", "B02"]', FLOAT, "[index(sample.B02, sample.B01)]"),
    ),
    "the color of a sea": (
        asked(
            {"bbox": [12.0, 43.5, 16.0, 45.8]},
            {"type": "sentinel-3-olci", "dataFilter": during("2022-04-10", "2022-04-10")},
            pixels(1050, 850),
            PNG,
        ),
        script('["B04", "B06", "B08"]', "{ bands: 3 }", "[2.5 * sample.B08, 2.5 * sample.B06, 2.5 * sample.B04]"),
    ),
    "brightness temperature of Sentinel-3": (
        asked(
            {"bbox": [12.0, 43.5, 16.0, 45.8]},
            {
                "type": "sentinel-3-slstr",
                "dataFilter": during("2022-04-10", "2022-04-10", orbitDirection="DESCENDING"),
                "processing": {"view": "NADIR"},
            },
            pixels(320, 250),
            TIFF,
        ),
        script('["S8"]', FLOAT, "[sample.S8]"),
    ),
    "nitrogen dioxide": (
        asked(
            {"bbox": [7.0, 44.0, 13.0, 46.5]},
            {
                "type": "sentinel-5p-l2",
                "dataFilter": during("2022-01-10", "2022-01-10", timeliness="OFFL"),
                "processing": {"minQa": 75},
            },
            pixels(300, 180),
            TIFF,
        ),
        script('["NO2"]', FLOAT, "[sample.NO2]"),
    ),
    "own data": (
        asked(
            {"bbox": ROME}, {"type": MOSAIC, "dataFilter": during("2023-07-01", "2023-07-01")}, pixels(780, 523), TIFF
        ),
        script('["B04", "B03", "B02"]', '{ bands: 3, sampleType: "UINT16" }', "[sample.B04, sample.B03, sample.B02]"),
    ),
    "optical and radar fused": (
        asked(
            {"bbox": VENICE, "properties": UTM33},
            [
                {**sentinel2("2022-06-01", "2022-06-30"), "id": "S2L2A"},
                {
                    "type": "sentinel-1-grd",
                    "id": "S1GRD",
                    "dataFilter": during("2022-06-01", "2022-06-30", acquisitionMode="IW", polarization="DV"),
                },
            ],
            steps(20, 20),
            TIFF,
        ),
        FUSION,
    ),
    "three files at once": (
        asked(
            {"bbox": ROME},
            sentinel2("2022-06-01", "2022-06-30", maxCloudCoverage=30),
            pixels(780, 523),
            ("ndvi", TIFF),
            ("ndmi", TIFF),
            ("mask", PNG),
        ),
        SEVERAL,
    ),
    "two islands": (
        asked(
            {"geometry": {"type": "MultiPolygon", "coordinates": [FIELD, ISLAND]}},
            sentinel2("2022-07-01", "2022-07-31"),
            steps(0.0002, 0.0002),
            TIFF,
        ),
        NDVI,
    ),
    "a field within a bbox": (
        asked(
            {"bbox": [14.0, 45.6, 14.4, 45.9], "geometry": {"type": "Polygon", "coordinates": FIELD}},
            {
                **sentinel2("2022-07-01", "2022-07-31"),
                "processing": {"upsampling": "BICUBIC", "downsampling": "BILINEAR", "harmonizeValues": False},
            },
            pixels(1600, 1700),
            TIFF,
        ),
        NDVI,
    ),
}


# --- the forms ---


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def as_json(body: Body, script: str) -> str:
    return json.dumps({**body, "evalscript": script}, indent=2)


def as_json_with_comments(body: Body, script: str) -> str:
    text = json.dumps({**body, "evalscript": script}, indent=2)
    text = text.replace('"output": {', '// how large, and as which files\n  "output": {', 1)
    return "/* the body of the request */\n" + text.replace("\n}", ",\n}").replace("\n  }", ",\n  }")


def as_json_with_line_breaks(body: Body, script: str) -> str:
    """As it is written on pages: no JSON, since the breaks stand inside the quotes."""
    escaped = script.replace('"', '\\"')
    return json.dumps(body, indent=1)[:-2] + f',\n "evalscript": "{escaped}"\n}}\n'


def as_python(body: Body, script: str) -> str:
    return (
        "import requests\n\n"
        f'evalscript = """\n{script}"""\n\n'
        f"request = {body!r}\n"
        "request['evalscript'] = evalscript\n\n"
        f"response = requests.post({ENDPOINT!r}, json=request, headers={{'Authorization': f'Bearer {{token}}'}})\n"
    )


def as_python_dumps(body: Body, script: str) -> str:
    whole = {**body, "evalscript": script}
    return (
        "import requests\nimport json\n\n"
        f"url = {ENDPOINT!r}\n"
        f"payload = json.dumps({whole!r})\n"
        "headers = {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + get_token()}\n"
        'response = requests.request("POST", url, headers=headers, data=payload)\nprint(response.text)\n'
    )


def as_python_text(body: Body, script: str) -> str:
    """As Postman exports it."""
    whole = json.dumps(json.dumps({**body, "evalscript": script}, indent=4))
    return f"import requests\n\npayload = {whole}\nresponse = requests.request('POST', url, data=payload)\n"


def as_python_function(body: Body, script: str) -> str:
    lines = script.strip().split("\n")
    joined = "\n".join(f"        {line + chr(10)!r}" for line in lines)
    data = body["input"]["data"]
    return (
        "from oauthlib.oauth2 import BackendApplicationClient\n\n\n"
        f"BOUNDS = {body['input']['bounds']!r}\n\n\n"
        "def main():\n    script = (\n" + joined + "\n    )\n"
        f"    output = dict({', '.join(f'{key}={value!r}' for key, value in body['output'].items())})\n"
        f"    oauth.post(URL, json={{'input': {{'bounds': BOUNDS, 'data': {data!r}}}, 'output': output, "
        "'evalscript': script})\n\n\nif __name__ == '__main__':\n    main()\n"
    )


def as_python_form(body: Body, script: str) -> str:
    return (
        f"request = {body!r}\nevalscript = '''{script}'''\n"
        "files = {'request': (None, json.dumps(request), 'application/json'), "
        "'evalscript': (None, evalscript, 'application/javascript')}\n"
        "r = requests.post(url, files=files, headers=headers)\n"
    )


def as_session(body: Body, script: str) -> str:
    lines = [f"evalscript = {script!r}", f"payload = {body!r}", 'payload["evalscript"] = evalscript']
    more = ["for key in payload:", "    print(key)"]
    shown = "".join(f">>> {line}\n" for line in lines)
    loop = f">>> {more[0]}\n... {more[1]}\n...\ninput\noutput\n"
    return f"{shown}{loop}>>> oauth.post(url, json=payload)\n<Response [200]>\n"


def as_curl(body: Body, script: str) -> str:
    whole = json.dumps({**body, "evalscript": script}, indent=2)
    assert "'" not in whole
    return (
        f"curl -X POST {ENDPOINT} \\\n"
        "  -H 'Authorization: Bearer <your access token>' \\\n  -H 'Content-Type: application/json' \\\n"
        f"  -d '{whole}'\n"
    )


def as_curl_double_quoted(body: Body, script: str) -> str:
    whole = json.dumps({**body, "evalscript": script}).replace("\\", "\\\\").replace('"', '\\"')
    return f'$ curl -sS "{ENDPOINT}" --header "Authorization: Bearer $TOKEN" --data-raw "{whole}" -o result.tif\n'


def as_curl_here(body: Body, script: str) -> str:
    whole = json.dumps({**body, "evalscript": script}, indent=2)
    return (
        "#!/bin/bash\n# asks for one picture\nTOKEN=$(get-token | jq -r .access_token)\n"
        f'curl -X POST "{ENDPOINT}" -H "Authorization: Bearer $TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' --data-binary @- <<'BODY'\n{whole}\nBODY\necho done\n"
    )


def as_curl_form(body: Body, script: str) -> str:
    return (
        f"curl -X POST {ENDPOINT} \\\n -H 'Authorization: Bearer <your access token>' \\\n"
        f" -F 'request={json.dumps(body, indent=4)}' \\\n -F 'evalscript={script}'\n"
    )


def as_curl_with_variables(body: Body, script: str) -> str:
    return (
        f"EVALSCRIPT=$(cat <<'JS'\n{script}JS\n)\n"
        f"REQUEST='{json.dumps(body, indent=1)}'\n\n"
        f'curl {ENDPOINT} -H "Authorization: Bearer ${{TOKEN}}" -F "request=$REQUEST" -F "evalscript=$EVALSCRIPT"\n'
    )


def as_curl_of_a_browser(body: Body, script: str) -> str:
    whole = json.dumps({**body, "evalscript": script}).replace("\\", "\\\\").replace("'", "\\'")
    return f"curl '{ENDPOINT}' \\\n  -H 'accept: */*' \\\n  --data-raw $'{whole}' \\\n  --compressed\n"


def as_fetch(body: Body, script: str) -> str:
    whole = json.dumps(body, indent=2)[:-2]
    return (
        f"fetch('{ENDPOINT}', {{\n  method: 'POST',\n  headers: {{ 'Content-Type': 'application/json',\n"
        "    Authorization: `Bearer ${token}` },\n"
        f"  body: JSON.stringify({whole},\n  evalscript: `{script}` }})\n}})\n"
        ".then(response => response.blob())\n.then(blob => { document.querySelector('img').src = "
        "URL.createObjectURL(blob); });\n"
    )


def as_fetch_with_names(body: Body, script: str) -> str:
    return (
        f"const evalscript = `{script}`;\n\n"
        f"const bounds = {unquoted(body['input']['bounds'])};\n"
        f"const request = {{ input: {{ bounds, data: {unquoted(body['input']['data'])} }},\n"
        f"  output: {unquoted(body['output'])}, // one file each\n  evalscript }};\n\n"
        f"const response = await fetch('{ENDPOINT}', {{\n  method: 'POST',\n  body: JSON.stringify(request),\n}});\n"
    )


def as_axios(body: Body, script: str) -> str:
    return (
        "const axios = require('axios');\n"
        f"let script = {quoted(script)};\n"
        f"const config = {{ headers: {{ Accept: 'image/tiff' }} }};\n"
        f"axios.post('{ENDPOINT}', {{ ...{json.dumps(body)}, evalscript: script }}, config);\n"
    )


def as_form_data(body: Body, script: str) -> str:
    return (
        "const form = new FormData();\n"
        f"form.append('request', JSON.stringify({json.dumps(body, indent=2)}));\n"
        f"form.append('evalscript', `{script}`);\n"
        f"const answer = await fetch('{ENDPOINT}', {{ method: 'POST', body: form }});\n"
    )


def unquoted(value: Any) -> str:
    """As JavaScript is written by hand: keys without quotes."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {unquoted(below)}" for key, below in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(unquoted, value)) + "]"
    return json.dumps(value)


def as_postman(body: Body, script: str) -> str:
    raw = json.dumps({**body, "evalscript": script}, indent=4)
    item = {
        "name": "Process",
        "request": {
            "method": "POST",
            "header": [{"key": "Authorization", "value": "Bearer {{token}}"}],
            "body": {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}},
            "url": {"raw": "{{base}}/api/v1/process"},
        },
    }
    token = {"name": "Token", "request": {"method": "POST", "body": {"mode": "urlencoded", "urlencoded": []}}}
    return json.dumps(
        {"info": {"name": "My requests"}, "item": [token, {"name": "Pictures", "item": [item]}]}, indent=2
    )


def as_postman_form(body: Body, script: str) -> str:
    parts = [
        {"key": "request", "value": json.dumps(body).replace("2022-", "{{year}}-"), "type": "text"},
        {"key": "evalscript", "value": script, "type": "text"},
    ]
    item = {"name": "Process", "request": {"method": "POST", "body": {"mode": "formdata", "formdata": parts}}}
    return json.dumps({"info": {"name": "Forms"}, "item": [item], "variable": [{"key": "year", "value": "2022"}]})


def as_notebook(body: Body, script: str) -> str:
    sources = [
        ("markdown", "# One picture\nFirst the script, then the request."),
        ("code", "%matplotlib inline\n!pip install requests_oauthlib\nimport json"),
        ("code", f'evalscript = """\n{script}"""'),
        (
            "code",
            f"request = {{\n  'input': {body['input']!r},\n  'output': {body['output']!r},\n"
            "  'evalscript': evalscript,\n}",
        ),
        ("code", "response = oauth.post(url, json=request)\nresponse.raise_for_status()"),
    ]
    cells = [
        {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)} for kind, source in sources
    ]
    return json.dumps({"cells": cells, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4})


def as_markdown(body: Body, script: str) -> str:
    return (
        "# How to ask for it\n\nThe *evalscript* is the program (don't forget the first line):\n\n"
        f"```javascript\n{script}```\n\nand the request goes along with it:\n\n"
        f"```json\n{json.dumps(body, indent=2)}\n```\n\nThat's all.\n"
    )


def as_page(body: Body, script: str) -> str:
    return (
        "Examples of requests\nThe examples below are written in Python (see: the client's page). You'll need one.\n"
        "Basic example\nIt's named oauth [1].\n"
        f'evalscript = """{script}"""\n\nThen the request, which isn\'t long:\n'
        f"request = {json.dumps(body, indent=4)}\n"
        "request['evalscript'] = evalscript\n\nand so it is sent (don't share the token):\n"
        f'url = "{ENDPOINT}"\nresponse = oauth.post(url, json=request)\n[1] as is explained here\n'
    )


def as_reply(body: Body, script: str) -> str:
    """A body as the service repeats it in a copy, with all that it adds."""
    source = json.loads(json.dumps(body["input"]))
    geometry = source["bounds"].get("geometry")
    if geometry:
        geometry["crs"] = source["bounds"].pop("properties", CRS84)["crs"]
        source["bounds"]["properties"] = None
    for data in source["data"]:
        data |= {"id": data.get("id"), "processing": data.get("processing")}
    output = {**body["output"], "resx": body["output"].get("resx"), "createCollection": False}
    output["responses"] = [{**each, "logo": False} for each in body["output"]["responses"]]
    for key in ("width", "height"):
        output |= {key: float(output[key])} if key in output else {}
    inner = {"input": source, "output": output, "evalscript": script, "instanceType": "STANDARD"}
    return json.dumps({"id": "4d1a6b3c", "status": "DONE", "costPU": 12.25, "request": {"processRequest": inner}})


FORMS: dict[str, Form] = {
    "as JSON": as_json,
    "as JSON with comments": as_json_with_comments,
    "as JSON with line breaks in the script": as_json_with_line_breaks,
    "as Python": as_python,
    "as Python with json.dumps": as_python_dumps,
    "as Python with one text": as_python_text,
    "as a Python function": as_python_function,
    "as a form in Python": as_python_form,
    "as a Python session": as_session,
    "as curl": as_curl,
    "as curl in double quotes": as_curl_double_quoted,
    "as curl with a here-document": as_curl_here,
    "as curl with a form": as_curl_form,
    "as curl with variables": as_curl_with_variables,
    "as curl of a browser": as_curl_of_a_browser,
    "as fetch": as_fetch,
    "as fetch with names": as_fetch_with_names,
    "as axios": as_axios,
    "as FormData": as_form_data,
    "as a Postman collection": as_postman,
    "as a form in Postman": as_postman_form,
    "as a notebook": as_notebook,
    "as Markdown": as_markdown,
    "as a page": as_page,
    "as the service's copy": as_reply,
}
