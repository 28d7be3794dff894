//VERSION=3
// collections: sentinel-2-l2a
// The day of the year of the greenest sample.
function setup() {
  return { input: ["B04", "B08"], output: { bands: 1, sampleType: "UINT16" }, mosaicking: "ORBIT" };
}
function dayOfYear(text) {
  const date = new Date(text);
  return Math.floor((date - new Date(Date.UTC(date.getUTCFullYear(), 0, 0))) / 86400000);
}
function evaluatePixel(samples, scenes) {
  let [best, day] = [-2, 0];
  samples.forEach((sample, i) => {
    const value = index(sample.B08, sample.B04);
    if (value > best) {
      best = value;
      day = dayOfYear(scenes.orbits[i].dateFrom);
    }
  });
  return [day];
}
