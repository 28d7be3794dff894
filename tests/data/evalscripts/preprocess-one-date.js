//VERSION=3
// collections: sentinel-2-l2a
// range: 2020-03-01/2020-09-01
// One day by its name, and a loop that reads further than most pixels have samples.
function setup() {
  return { input: ["B04"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function preProcessScenes(collections) {
  const wanted = ["2020-05-17", "2020-05-18"];
  collections.scenes.orbits = collections.scenes.orbits.filter((o) => wanted.includes(o.dateFrom.slice(0, 10)));
  return collections;
}
function evaluatePixel(samples) {
  return [samples.length > 1 ? samples[1].B04 - samples[0].B04 : 0];
}
