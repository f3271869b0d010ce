"""The loops of oblique voxels: sums over the images of a Gaussian in a cell of any shape, by voxels or harmonics.

Squared lengths are quadratic forms of whole numbers: of steps of the grid, or of reciprocal vectors.  Images within a
radius are searched row by row, so that none is missed, however oblique the cell is.

The compiled code here uses nothing of other files, because numba's cache of a function does not notice changes in them.
Code that another file also needs is repeated there, and a test checks that both are equal.

Axis legend: A, B, C harmonics along the three axes (of the third, those that are not negative).
"""

import math

import numba
import numpy as np

REACH = 6.0
FAR = np.int32(2**31 - 1)
NO_RADIUS, UNRESOLVED = 1, 2
"""The same as in :mod:`hpcvox.descriptors.density`."""

QUANTA = 2.0**16
"""Squared distances (float32) are compared in units of 1/QUANTA Å²; in a tie the heavier element gets the voxel."""

OFFSET = 0.382
"""Equal squared distances are equal only up to rounding.  Their value is often a whole or half number of quanta, so it
is shifted away from the limit of a quantum."""


@numba.njit(cache=True, error_model="numpy", inline="always")
def _span(a, b, c, offset):  # type: ignore[no-untyped-def]
    """First and last integer j with c u² + 2 b u + a ≤ 0 at u = j + offset; if there is none, the first is greater."""
    inside = b * b - c * a
    if inside < 0.0:
        return 1, 0
    half = math.sqrt(inside) / c
    middle = -b / c - offset
    return int(math.ceil(middle - half)), int(math.floor(middle + half))


@numba.njit(cache=True, error_model="numpy", inline="always")
def _wrapped(j, n):  # type: ignore[no-untyped-def]
    """j modulo n, mostly without a division."""
    if j < 0:
        j += n
    elif j >= n:
        j -= n
    return j if 0 <= j < n else j % n


@numba.njit(cache=True, error_model="numpy")
def _reduced(m):  # type: ignore[no-untyped-def]
    """The quadratic form ``m`` minimised over the third coordinate, (p11, p12, p22), and over the second, q11."""
    p11 = m[0, 0] - m[0, 2] * m[0, 2] / m[2, 2]
    p12 = m[0, 1] - m[0, 2] * m[1, 2] / m[2, 2]
    p22 = m[1, 1] - m[1, 2] * m[1, 2] / m[2, 2]
    return p11, p12, p22, p11 - p12 * p12 / p22


@numba.njit(cache=True, error_model="numpy", fastmath={"contract", "arcp"})
def _label(form, frac, numbers, radii, species):  # type: ignore[no-untyped-def]
    """Fill ``species`` (n, n, n) with the element of the nearest image that is within its radius, else 0.

    ``form`` (3, 3) gives squared distances in Å² of steps of the grid.
    Along a row, the image of a site that is nearest to the voxel is enough.
    """
    n, sites = species.shape[0], numbers.size
    p11, p12, p22, q11 = _reduced(form)
    along_u, along_v = form[0, 2] / form[2, 2], form[1, 2] / form[2, 2]
    c = np.float32(form[2, 2] * QUANTA)
    length, half = np.float32(n), np.float32(0.5 * n)
    least, whole, rest = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    first, last, within = np.empty(sites, np.int64), np.empty(sites, np.int64), np.empty(sites)
    for s in range(sites):
        within[s] = radii[numbers[s]] ** 2 * (1.0 + 1e-6)  # the keys decide what is within
        first[s], last[s] = _span(-within[s], 0.0, q11, 0.5 - frac[s, 0] * n)
    best = np.empty((n, n), np.int32)
    for i in range(n):  # plane by plane, so that a plane stays in the nearest cache
        best[:] = FAR
        for s in range(sites):
            radius = radii[numbers[s]]
            end = np.float32(int(radius * radius * QUANTA + OFFSET))
            low = np.int32(255 - numbers[s])
            v0, w0 = 0.5 - frac[s, 1] * n, 0.5 - frac[s, 2] * n
            for x in range(first[s] + (i - first[s]) % n, last[s] + 1, n):
                u = x + 0.5 - frac[s, 0] * n
                y0, y1 = _span(p11 * u * u - within[s], p12 * u, p22, v0)
                for block in range(y0, y1 + 1, n):
                    rows = min(n, y1 + 1 - block)
                    for r in range(rows):
                        v = block + r + v0
                        least[r] = (p11 * u * u + 2.0 * p12 * u * v + p22 * v * v) * QUANTA + OFFSET
                        along = along_u * u + along_v * v + w0
                        along -= n * math.floor(along / n + 0.5)
                        whole[r] = math.floor(along + 0.5)
                        rest[r] = along - whole[r]
                    j = _wrapped(block, n)
                    for r in range(rows):
                        quanta0, start, shift = least[r], whole[r], rest[r]
                        turn = half - shift
                        for k in range(n):  # no slice of the row (each is counted as a reference)
                            step = start + np.float32(np.int32(k))  # whole numbers, and so exact
                            w = (step - length if step >= turn else step) + shift
                            quanta = quanta0 + c * (w * w)
                            key = np.int32(np.int32(np.int32(quanta) << 8) + low) if quanta < end else FAR
                            best[j, k] = min(best[j, k], key)
                        j = j + 1 if j + 1 < n else 0
        for j in range(n):
            for k in range(n):
                species[i, j, k] = 255 - (best[j, k] & 255)


@numba.njit(cache=True, error_model="numpy", fastmath={"contract", "arcp"})
def _deposit(form, place, width, peak, nearest, density):  # type: ignore[no-untyped-def]
    """Add every image of a Gaussian to ``density`` voxel by voxel, to REACH widths.

    ``peak`` is its value at the squared distance ``nearest`` in Å²: 0, or that of the nearest voxel, to which the reach
    is added then, so that a Gaussian between voxels that are far apart reaches some.
    Along a row, each step takes two multiplications: the second difference of the logarithm is constant.
    """
    n = density.shape[0]
    p11, p12, p22, q11 = _reduced(form)
    r2 = (REACH * width) ** 2 + nearest
    inverse = 1.0 / (width * width)
    c = form[2, 2]
    curve = math.exp(-c * inverse)
    x0, x1 = _span(-r2, 0.0, q11, 0.5 - place[0])
    for x in range(x0, x1 + 1):
        u = x + 0.5 - place[0]
        y0, y1 = _span(p11 * u * u - r2, p12 * u, p22, 0.5 - place[1])
        for y in range(y0, y1 + 1):
            v = y + 0.5 - place[1]
            a = form[0, 0] * u * u + 2.0 * form[0, 1] * u * v + form[1, 1] * v * v
            b = form[0, 2] * u + form[1, 2] * v
            z0, z1 = _span(a - r2, b, c, 0.5 - place[2])
            w = z0 + 0.5 - place[2]
            value = peak * math.exp(-0.5 * (a + (2.0 * b + c * w) * w - nearest) * inverse)
            ratio = math.exp(-(b + c * (w + 0.5)) * inverse)
            row = density[_wrapped(x, n), _wrapped(y, n)]
            h = _wrapped(z0, n)
            for _ in range(z0, z1 + 1):
                row[h] += np.float32(value)
                value *= ratio
                ratio *= curve
                h += 1
                if h == n:
                    h = 0


@numba.njit(cache=True, error_model="numpy")
def _powers(table, angle, first):  # type: ignore[no-untyped-def]
    """Fill ``table`` with exp(-i angle m), m = first, first + 1 ..."""
    step = complex(math.cos(angle), -math.sin(angle))
    value = complex(math.cos(angle * first), -math.sin(angle * first))
    for m in range(table.size):
        table[m] = value
        value *= step


@numba.njit(cache=True, error_model="numpy", fastmath={"contract", "arcp"})
def _harmonics(form, frac, numbers, widths, heights, chosen, peaks, reach, out):  # type: ignore[no-untyped-def]
    """Add the Fourier coefficients of the elements ``chosen`` to ``out`` (B, A, C), the second axis first.

    ``form`` (3, 3) gives |g|² in 1/Å² of whole numbers, ``heights`` (sites,) what each site is multiplied by.
    A coefficient with m3 > 0 stands for its conjugate too.
    """
    sites = numbers.size
    p11, p12, p22, q11 = _reduced(form)
    c = form[2, 2]
    first = np.empty((sites, 2 * reach[0] + 1), np.complex128)
    second = np.empty((sites, 2 * reach[1] + 1), np.complex128)
    third = np.empty((sites, reach[2] + 1), np.complex128)
    for i in range(sites):
        if chosen[numbers[i]]:
            _powers(first[i], 2.0 * math.pi * frac[i, 0], -reach[0])
            _powers(second[i], 2.0 * math.pi * frac[i, 1], -reach[1])
            _powers(third[i], 2.0 * math.pi * frac[i, 2], 0)
    row = np.empty(reach[2] + 1)
    for number in range(chosen.size):
        if not chosen[number]:
            continue
        half = 0.5 * widths[number] ** 2
        r2 = (REACH / widths[number]) ** 2
        curve = math.exp(-2.0 * half * c)
        x0, x1 = _span(-r2, 0.0, q11, 0.0)
        for x in range(x0, x1 + 1):
            y0, y1 = _span(p11 * x * x - r2, p12 * x, p22, 0.0)
            for y in range(y0, y1 + 1):
                a = form[0, 0] * x * x + 2.0 * form[0, 1] * x * y + form[1, 1] * y * y
                b = form[0, 2] * x + form[1, 2] * y
                z0, z1 = _span(a - r2, b, c, 0.0)
                z0 = max(z0, 0)
                if z0 > z1:
                    continue
                value = 2.0 * peaks[number] * math.exp(-half * (a + (2.0 * b + c * z0) * z0))
                ratio = math.exp(-half * (2.0 * b + c * (2.0 * z0 + 1.0)))
                for z in range(z0, z1 + 1):
                    row[z] = value
                    value *= ratio
                    ratio *= curve
                if z0 == 0:
                    row[0] *= 0.5
                into = out[y + reach[1], x + reach[0]]
                for i in range(sites):
                    if numbers[i] == number:
                        phase = first[i, x + reach[0]] * second[i, y + reach[1]] * heights[i]
                        for z in range(z0, z1 + 1):
                            into[z] += row[z] * (phase * third[i, z])


@numba.njit(cache=True, error_model="numpy", inline="always")
def _paired(up, down, m):  # type: ignore[no-untyped-def]
    """The factors of cos and -sin from the coefficients of m and -m, which are the same coefficient if m = 0."""
    return up + down if m > 0 else up, complex(up.imag - down.imag, down.real - up.real)


@numba.njit(cache=True, error_model="numpy")
def _summed(coefficients, reach, waves, density):  # type: ignore[no-untyped-def]
    """Fill ``density`` (n, n, n) with the Fourier sum at the voxel centres, one axis after another.

    The waves of m and -m go together, so that all products are real: cos (X_m + X_-m) - sin (X_m - X_-m)/i.
    ``waves`` (2 M, n): rows cos and -sin of 2πm (j + ½)/n, m = 0, 1 ...
    """
    n = density.shape[0]
    wide, high, deep = reach[0] + 1, reach[1] + 1, reach[2] + 1
    paired = np.empty((2 * high, 2 * reach[0] + 1, deep), np.complex64)
    for m in range(high):
        for x in range(2 * reach[0] + 1):
            for z in range(deep):
                up, down = coefficients[reach[1] + m, x, z], coefficients[reach[1] - m, x, z]
                paired[2 * m, x, z], paired[2 * m + 1, x, z] = _paired(up, down, m)
    rows = np.dot(waves[: 2 * high].T, paired.view(np.float32).reshape(2 * high, -1))
    lines = rows.view(np.complex64).reshape(n, 2 * reach[0] + 1, deep)
    turned = np.empty((2 * wide, n, deep), np.complex64)
    for m in range(wide):
        for y in range(n):
            for z in range(deep):
                up, down = lines[y, reach[0] + m, z], lines[y, reach[0] - m, z]
                turned[2 * m, y, z], turned[2 * m + 1, y, z] = _paired(up, down, m)
    planes = np.dot(waves[: 2 * wide].T, turned.view(np.float32).reshape(2 * wide, -1))
    np.dot(planes.reshape(n * n, 2 * deep), waves[: 2 * deep], density.reshape(n * n, n))


@numba.njit(cache=True, error_model="numpy")
def _reach(lengths, width):  # type: ignore[no-untyped-def]
    """The greatest harmonics of a Gaussian along the three axes: m_i = g·a_i/2π."""
    reach = np.empty(3, np.int64)
    for axis in range(3):
        reach[axis] = int(REACH / width * lengths[axis] / (2.0 * math.pi))
    return reach


@numba.njit(cache=True, error_model="numpy")
def _choose(numbers, widths, lengths, volume, n, harmonics):  # type: ignore[no-untyped-def]
    """Choose the elements that are summed by harmonics, by atomic number: those wider than the best limit.

    The times of the steps, in ns, were measured; the widths of the crystal's elements are tried as limits.
    """
    count = np.zeros(widths.size, np.int64)
    for number in numbers:
        count[number] += 1
    limit, least = math.inf, math.inf
    for tried in range(widths.size):
        if tried > 0 and count[tried] == 0:
            continue
        border = widths[tried] if tried > 0 else math.inf
        cost = 0.0
        for number in range(1, widths.size):
            if count[number] == 0:
                continue
            width = widths[number]
            if width >= border:
                sphere = 2.0 / 3.0 * math.pi * (REACH / width) ** 3 * volume / (2.0 * math.pi) ** 3
                cost += 6.0 * count[number] * sphere + 40.0 * sphere ** (2 / 3)
            else:
                ball = 4.0 / 3.0 * math.pi * (REACH * width) ** 3 * n**3 / volume
                cost += count[number] * (1.5 * ball + 145.0 * ball ** (2 / 3))
        if border < math.inf:
            m1, m2, m3 = _reach(lengths, border)
            if max(m1, m2, m3) >= harmonics:
                continue
            box = (2.0 * m1 + 1) * (m3 + 1)
            cost += 0.3 * n * box * (2 * m2 + n + 1) + 0.1 * n**3 * (m3 + 1)
        if cost < least:
            limit, least = border, cost
    return (count > 0) & (widths >= limit), limit


@numba.njit(cache=True, error_model="numpy")
def forms(lattice, n):  # type: ignore[no-untyped-def]
    """Of a cell, rows in Å: |r|² of steps of the n³ grid in Å², |g|² of harmonics in 1/Å², (3, 3); lengths, volume."""
    metric, lengths = np.zeros((3, 3)), np.empty(3)
    for i in range(3):
        for j in range(3):
            for axis in range(3):
                metric[i, j] += lattice[i, axis] * lattice[j, axis]
        lengths[i] = math.sqrt(metric[i, i])
    inverse = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            p, q, r, s = (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3
            inverse[i, j] = metric[p, r] * metric[q, s] - metric[p, s] * metric[q, r]
    squared = metric[0, 0] * inverse[0, 0] + metric[0, 1] * inverse[0, 1] + metric[0, 2] * inverse[0, 2]
    volume = math.sqrt(squared)
    return metric / n**2, inverse * (4.0 * math.pi**2 / squared), lengths, volume


@numba.njit(cache=True, error_model="numpy")
def fill(cell, frac, numbers, radii, widths, scale, waves, density, species):  # type: ignore[no-untyped-def]
    """Fill both matrices; return (fault, site), which is (0, 0) if there is no fault.

    ``cell`` is the result of ``forms``, ``scale`` that of ``grid_sums.heights``.
    """
    n = density.shape[0]
    sites = numbers.size
    own = np.empty((sites, 3), np.int64)
    for i in range(sites):
        if numbers[i] < 1 or numbers[i] >= widths.size:
            return NO_RADIUS, i
        for axis in range(3):
            own[i, axis] = min(max(int(math.floor(frac[i, axis] * n)), 0), n - 1)
        for other in range(i):
            if (own[other] == own[i]).all():
                return UNRESOLVED, i

    heights, nearest = scale
    steps, reciprocal, lengths, volume = cell
    chosen, limit = _choose(numbers, widths, lengths, volume, n, len(waves) // 2)
    if limit < math.inf:
        reach = _reach(lengths, limit)
        coefficients = np.zeros((2 * reach[1] + 1, 2 * reach[0] + 1, reach[2] + 1), np.complex128)
        peaks = np.arange(widths.size) / volume
        _harmonics(reciprocal, frac, numbers, widths, heights, chosen, peaks, reach, coefficients)
        _summed(coefficients, reach, waves, density)
        flat = density.reshape(-1)
        for v in range(flat.size):
            flat[v] = max(flat[v], np.float32(0.0))  # rounding of a sum of waves
    else:
        density[:] = 0.0
    for i in range(sites):
        width = widths[numbers[i]]
        if not chosen[numbers[i]]:
            peak = numbers[i] / ((2.0 * math.pi) ** 1.5 * width**3) * heights[i]
            _deposit(steps, frac[i] * n, width, peak, nearest[i], density)
    _label(steps, frac, numbers, radii, species)
    for i in range(sites):
        species[own[i, 0], own[i, 1], own[i, 2]] = numbers[i]
    return 0, 0
