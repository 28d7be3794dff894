//VERSION=3
// collections: sentinel-2-l2a
// responses: default image/png
// Statements before the return, a helper, and another return.
const ndwi = index(B03, B08);
let scale = (value) => 2.5 * value;
if (SCL === 3 || SCL > 7) {
  return [0, 0, 0];
}
ndvi = (B08 - B04) / (B08 + B04);
if (ndwi > 0.2) return [0, 0.2, 1];
else if (ndvi > 0.6) return colorBlend(ndvi, [0.6, 1], [[0, 0.6, 0], [0, 0.2, 0]]);
return [scale(B04), scale(B03), scale(B02)];
