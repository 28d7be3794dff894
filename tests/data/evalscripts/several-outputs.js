//VERSION=3
// collections: sentinel-2-l2a
// responses: index image/tiff, picture image/jpeg, mask image/tiff
// Three outputs of three types, one with a nodata value.
function setup() {
  return {
    input: [{ bands: ["B03", "B04", "B08", "dataMask"] }],
    output: [
      { id: "index", bands: 1, sampleType: "FLOAT32", nodataValue: NaN },
      { id: "picture", bands: 3 },
      { id: "mask", bands: 1, sampleType: "UINT8", nodataValue: 255 },
    ],
  };
}
function evaluatePixel(s) {
  const ndvi = index(s.B08, s.B04);
  return {
    index: [s.dataMask ? ndvi : NaN],
    picture: [s.B08, s.B04, s.B03],
    mask: [s.dataMask === 1 ? 1 : 255],
  };
}
