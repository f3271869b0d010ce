"""The loops of oblique voxels: sums over the images of a Gaussian in a cell of any shape, by voxels or harmonics.

Squared lengths are quadratic forms of whole numbers: of steps of the grid, or of reciprocal vectors.  What lies
within a radius is found row by row, so that no image is missed however skew the cell.

What is compiled here is in one file: numba's cache of a function does not notice changes in another's file.

Axis legend: A, B, C harmonics along the three axes (of the third, those that are not negative).
"""

import math

import numba
import numpy as np

from hpcvox.descriptors.density import FAR, NO_RADIUS, QUANTA, REACH, UNRESOLVED

OFFSET = 0.382
"""Squared distances that are equal are so up to rounding: their common value, which likes to be a whole number
of quanta or a half, is moved away from where a quantum ends."""


@numba.njit(cache=True, error_model="numpy", inline="always")
def _span(a, b, c, offset):  # type: ignore[no-untyped-def]
    """First and last whole j with c u² + 2 b u + a ≤ 0 at u = j + offset; the first is behind where there is none."""
    inside = b * b - c * a
    if inside < 0.0:
        return 1, 0
    half = math.sqrt(inside) / c
    middle = -b / c - offset
    return int(math.ceil(middle - half)), int(math.floor(middle + half))


@numba.njit(cache=True, error_model="numpy", inline="always")
def _wrapped(j, n):  # type: ignore[no-untyped-def]
    """j modulo n, for the most part without a division."""
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
def _label(form, place, radius, number, best):  # type: ignore[no-untyped-def]
    """Lower ``best`` (n, n, n) to the key of every image of a site that is within ``radius``.

    ``form`` (3, 3) gives squared distances in Å² of steps of the grid; ``place`` (3,) is in steps.
    Along a row, the image that is nearest to the voxel is enough.
    """
    n = best.shape[0]
    p11, p12, p22, q11 = _reduced(form)
    end = float(int(radius * radius * QUANTA + OFFSET))
    low = np.int32(255 - number)
    r2 = radius * radius * (1.0 + 1e-6)  # the keys decide what is within
    u0, v0, w0 = 0.5 - place[0], 0.5 - place[1], 0.5 - place[2]
    along_u, along_v, c, turns = (
        form[0, 2] / form[2, 2],
        form[1, 2] / form[2, 2],
        form[2, 2] * QUANTA,
        1.0 / n,
    )
    x0, x1 = _span(-r2, 0.0, q11, u0)
    for x in range(x0, x1 + 1):
        u, i = x + u0, _wrapped(x, n)
        y0, y1 = _span(p11 * u * u - r2, p12 * u, p22, v0)
        for y in range(y0, y1 + 1):
            v, j = y + v0, _wrapped(y, n)
            least = (p11 * u * u + 2.0 * p12 * u * v + p22 * v * v) * QUANTA + OFFSET
            first = along_u * u + along_v * v + w0
            for k in range(n):  # no slice of the row (each is counted as a reference), no other array
                w = first + np.int32(k)
                w -= n * np.floor(w * turns + 0.5)
                quanta = least + c * w * w
                key = np.int32(np.int32(np.int32(quanta) << 8) + low) if quanta < end else FAR
                best[i, j, k] = min(best[i, j, k], key)


@numba.njit(cache=True, error_model="numpy", fastmath={"contract", "arcp"})
def _deposit(form, place, width, peak, density):  # type: ignore[no-untyped-def]
    """Add every image of a Gaussian to ``density`` voxel by voxel, to REACH widths.

    Along a row, each step takes two multiplications: the second difference of the logarithm is constant.
    """
    n = density.shape[0]
    p11, p12, p22, q11 = _reduced(form)
    r2 = (REACH * width) ** 2
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
            value = peak * math.exp(-0.5 * (a + (2.0 * b + c * w) * w) * inverse)
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


@numba.njit(cache=True, error_model="numpy")
def _waves(roots, n, reach):  # type: ignore[no-untyped-def]
    """exp(2πi m (j + ½)/n), (n, 2 reach + 1), m = -reach ... reach."""
    out = np.empty((n, 2 * reach + 1), np.complex64)
    for j in range(n):
        k = (-reach * (2 * j + 1)) % (2 * n)
        for m in range(2 * reach + 1):
            out[j, m] = roots[k]
            k += 2 * j + 1
            if k >= 2 * n:
                k -= 2 * n
    return out


@numba.njit(cache=True, error_model="numpy", fastmath={"contract", "arcp"})
def _harmonics(form, frac, numbers, widths, chosen, peaks, reach, out):  # type: ignore[no-untyped-def]
    """Add the Fourier coefficients of the elements ``chosen`` to ``out`` (B, A, C), the second axis first.

    ``form`` (3, 3) gives |g|² in 1/Å² of whole numbers.  A coefficient with m3 > 0 stands for its conjugate too.
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
                        phase = first[i, x + reach[0]] * second[i, y + reach[1]]
                        for z in range(z0, z1 + 1):
                            into[z] += row[z] * (phase * third[i, z])


@numba.njit(cache=True, error_model="numpy")
def _summed(coefficients, reach, roots, density):  # type: ignore[no-untyped-def]
    """Fill ``density`` (n, n, n) with the Fourier sum at the voxel centres, one axis after another."""
    n = density.shape[0]
    wide, high, deep = 2 * reach[0] + 1, 2 * reach[1] + 1, reach[2] + 1
    flat = coefficients.astype(np.complex64).reshape(high, wide * deep)
    rows = np.dot(_waves(roots, n, reach[1]), flat).reshape(n, wide, deep)
    turned = np.empty((wide, n, deep), np.complex64)
    for y in range(n):
        for x in range(wide):
            for z in range(deep):
                turned[x, y, z] = rows[y, x, z]
    planes = np.dot(_waves(roots, n, reach[0]), turned.reshape(wide, n * deep)).reshape(n * n, deep)
    columns = np.empty((2 * deep, n), np.float32)
    for z in range(n):
        for m in range(deep):
            wave = roots[(m * (2 * z + 1)) % (2 * n)]
            columns[2 * m, z] = wave.real
            columns[2 * m + 1, z] = -wave.imag
    np.dot(planes.view(np.float32), columns, density.reshape(n * n, n))


@numba.njit(cache=True, error_model="numpy")
def _reach(lengths, width):  # type: ignore[no-untyped-def]
    """Greatest harmonics of a Gaussian along the three axes: m_i = g·a_i/2π."""
    reach = np.empty(3, np.int64)
    for axis in range(3):
        reach[axis] = int(REACH / width * lengths[axis] / (2.0 * math.pi))
    return reach


@numba.njit(cache=True, error_model="numpy")
def _choose(numbers, widths, lengths, volume, n):  # type: ignore[no-untyped-def]
    """Which elements are summed by harmonics, by atomic number: those wider than the best of all limits.

    What a step takes was measured, in ns; the limits tried are the widths of the crystal's elements.
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
            box = (2.0 * m1 + 1) * (m3 + 1)
            cost += 0.3 * n * box * (2 * m2 + n + 1) + 0.1 * n**3 * (m3 + 1)
        if cost < least:
            limit, least = border, cost
    return (count > 0) & (widths >= limit), limit


@numba.njit(cache=True, error_model="numpy")
def fill(lattice, frac, numbers, widths, roots, density, species):  # type: ignore[no-untyped-def]
    """Fill both matrices; returns (fault, site), (0, 0) where all is well."""
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
    steps, waves = metric / n**2, inverse * (4.0 * math.pi**2 / squared)

    chosen, limit = _choose(numbers, widths, lengths, volume, n)
    if limit < math.inf:
        reach = _reach(lengths, limit)
        coefficients = np.zeros((2 * reach[1] + 1, 2 * reach[0] + 1, reach[2] + 1), np.complex128)
        peaks = np.arange(widths.size) / volume
        _harmonics(waves, frac, numbers, widths, chosen, peaks, reach, coefficients)
        _summed(coefficients, reach, roots, density)
        flat = density.reshape(-1)
        for v in range(flat.size):
            flat[v] = max(flat[v], np.float32(0.0))  # rounding of a sum of waves
    else:
        density[:] = 0.0
    best = np.full((n, n, n), FAR, np.int32)
    for i in range(sites):
        place, width = frac[i] * n, widths[numbers[i]]
        if not chosen[numbers[i]]:
            peak = numbers[i] / ((2.0 * math.pi) ** 1.5 * width**3)
            _deposit(steps, place, width, peak, density)
        _label(steps, place, width, numbers[i], best)
    keys, labels = best.reshape(-1), species.reshape(-1)
    for v in range(keys.size):
        labels[v] = 255 - (keys[v] & 255)
    for i in range(sites):
        species[own[i, 0], own[i, 1], own[i, 2]] = numbers[i]
    return 0, 0
