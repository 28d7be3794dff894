//VERSION=3
// collections: sentinel-2-l2a
// Arrays that inner functions return have lengths of their own.
function setup() {
  return { input: ["B04", "B08"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  const pairs = samples.map((s) => {
    return [s.B04, s.B08];
  });
  function first(pair) {
    if (!pair) {
      return [0, 0, 0];
    }
    return [pair[0], pair[1], 0];
  }
  if (pairs.length > 3) {
    return [pairs.length];
  } else {
    return [first(pairs[0])[0]];
  }
}
