//VERSION=3
// collections: sentinel-1-grd as s1, sentinel-2-l2a as l2a
// hints: W001, W001
// As in the documentation, without a look at the number of samples.
function setup() {
  return {
    input: [{ datasource: "s1", bands: ["VV"] }, { datasource: "l2a", bands: ["B08"] }],
    output: { bands: 2, sampleType: "FLOAT32" },
  };
}
function evaluatePixel(samples) {
  var radar = samples.s1[0];
  var optical = samples.l2a[0];
  return [radar.VV, optical.B08];
}
