//VERSION=3
// collections: sentinel-1-grd as s1, sentinel-2-l2a as l2a
// Two sources by name, each with 0 or 1 sample.
function setup() {
  return {
    input: [
      { datasource: "s1", bands: ["VV", "VH"] },
      { datasource: "l2a", bands: ["B04", "B08", "SCL"] },
    ],
    output: { bands: 2, sampleType: "FLOAT32" },
  };
}
function evaluatePixel(samples) {
  const radar = samples.s1[0];
  const optical = samples.l2a[0];
  const isClear = optical !== undefined && optical.SCL !== 9;
  return [radar ? radar.VV + radar.VH : 0, isClear ? index(optical.B08, optical.B04) : 0];
}
