
    //VERSION=3
// collections: sentinel-2-l2a
// Without functions: bands are variables, and the array that is returned is the only output.
return [2.5 * B04, 2.5 * B03, 2.5 * B02, dataMask];
