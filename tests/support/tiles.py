"""Tiles by another way than the product's: where a bbox of metres lies, by pyproj and shapely alone."""

from collections.abc import Sequence

import numpy as np
import shapely
from pyproj import CRS, Transformer
from shapely.geometry.base import BaseGeometry


def in_degrees(bbox: Sequence[float], epsg: int) -> BaseGeometry:
    """A bbox in longitude and latitude, its edges in many pieces; split at the antimeridian."""
    points = shapely.get_coordinates(shapely.segmentize(shapely.box(*bbox), (bbox[2] - bbox[0]) / 64))
    back = Transformer.from_crs(CRS.from_epsg(epsg), CRS.from_user_input("OGC:CRS84"), always_xy=True)
    x, y = back.transform(points[:, 0], points[:, 1])
    if np.ptp(x) < 180:
        return shapely.Polygon(np.column_stack([x, y]))
    whole = shapely.Polygon(np.column_stack([np.where(x < 0, x + 360, x), y]))
    west = shapely.intersection(whole, shapely.box(0, -90, 180, 90))
    east = shapely.intersection(whole, shapely.box(180, -90, 360, 90))
    return shapely.union_all([west, shapely.transform(east, lambda each: each - [360, 0])])
