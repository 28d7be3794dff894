//VERSION=3
// collections: sentinel-2-l2a as l2a, sentinel-2-l1c as l1c
// A mosaicking for each input.
function setup() {
  return {
    input: [
      { datasource: "l2a", bands: ["B04"], mosaicking: "ORBIT" },
      { datasource: "l1c", bands: ["B10"], mosaicking: "SIMPLE" },
    ],
    output: { bands: 2, sampleType: "FLOAT32" },
  };
}
function evaluatePixel({ l2a, l1c }) {
  const mean = l2a.length ? l2a.reduce((sum, s) => sum + s.B04, 0) / l2a.length : 0;
  return [mean, l1c.length ? l1c[0].B10 : 0];
}
