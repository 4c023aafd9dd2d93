"""The loops over rows, compiled: time, ids, logits, labels and delays of the rows of given numbers.

A row reads its own number and the compiled population alone; `harness/data/synthetic/sampler.py` documents the model.
Each loop fills one kind of array for a block of rows that fits the cache.

It is one long file because of the compiler's cache on disk, which knows when a file changes, not when what it imports
does: all compiled code of the generator and all its constants are here. Arrays are filled in loops, as the compiler
takes seconds for an assignment to a slice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

GAMMA = np.uint64(0x9E3779B97F4A7C15)
BITS = 10
PER_DRAW = 6
"""Normals that one 64-bit draw holds, of so many bits each."""
HEAD = 1024
"""Ranks in an alias table; its last entry beyond them stands for all others."""
FREE, HOUR, WEEKDAY, CROSS, SESSION = -1, -2, -3, -4, -5
"""Where the index of a field comes from, if not from another field's."""
ONCE = -(1 << 62)
"""Indices of ids that are drawn once begin here, by what they are drawn for."""
LEFT, RIGHT = 1, 2
LATENT = 64
"""Number of the first draw of an id that holds its latent vector; those before hold its biases."""
DAY, HOURS = 86_400.0, 24
BLOCK = 2048
_A, _B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S11, _S27, _S30, _S31, _S32 = (np.uint64(s) for s in (11, 27, 30, 31, 32))
_LOW, _HALF = np.uint64(0xFFFFFFFF), 1.0 / 4294967296.0
_MASK = np.uint64((1 << BITS) - 1)


# --- random numbers, ranks by Zipf's law ------------------------------------------------------------------------------


@njit(cache=True, nogil=True, inline="always")
def mix(x: Any) -> Any:
    """SplitMix64's finaliser: a bijection of uint64."""
    x = (x ^ (x >> _S30)) * _A
    x = (x ^ (x >> _S27)) * _B
    return x ^ (x >> _S31)


@njit(cache=True, nogil=True, inline="always")
def draw(key: Any, counter: Any) -> Any:
    """uint64 draw number `counter` of the stream `key`."""
    return mix(key + (np.uint64(counter) + np.uint64(1)) * GAMMA)


@njit(cache=True, nogil=True, inline="always")
def uniform(bits: Any) -> Any:
    """float64 in [0, 1) with 53 random bits."""
    return np.float64(bits >> _S11) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True, inline="always")
def rank(bits: Any, alias: Any, keep: Any, tail: Any) -> Any:
    """Rank from 0, drawn by 64 random bits."""
    i = np.int64(((bits >> _S32) * np.uint64(keep.size)) >> _S32)
    other = np.int64(alias[i])
    i = i if np.uint32(bits & _LOW) < keep[i] else other
    return i if i < HEAD else _tail_rank(bits, tail)


@njit(cache=True, nogil=True)
def _tail_rank(bits: Any, tail: Any) -> Any:
    """Rejection-inversion over the ranks beyond the head."""
    head, shift, exponent, power = tail[0], tail[1], tail[2], tail[3]
    first = head + 1.0 + shift
    low, high, sure, last = tail[4], tail[5], tail[6], tail[7]
    while True:
        bits = mix(bits + GAMMA)
        u = high + uniform(bits) * (low - high)
        x = first * (math.exp(u) if abs(power) < 1e-12 else math.exp(math.log1p(power * u) / power))
        k = min(max(math.floor(x - shift + 0.5), head + 1.0), last)
        y = k + shift
        if y - x <= sure:
            return np.int64(k) - 1
        edge = math.log((y + 0.5) / first)
        area = edge if abs(power) < 1e-12 else math.expm1(power * edge) / power
        if u >= area - math.exp(-exponent * math.log(y / first)) / first:
            return np.int64(k) - 1


# --- when a row is, and in which session ------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _clock(row_N: Any, clock_H: Any, clock_key: Any, rows: Any, time_N: Any, hour_N: Any) -> Any:
    """Seconds and hour of ascending rows: each stands in its own of `rows` equal shares of the clock."""
    hour = 0
    for n in range(row_N.size):
        at = (row_N[n] + uniform(draw(clock_key, row_N[n]))) / rows
        while hour < clock_H.size - 2 and clock_H[hour + 1] <= at:
            hour += 1
        inside = (at - clock_H[hour]) / (clock_H[hour + 1] - clock_H[hour])
        time_N[n] = np.int64((hour + min(inside, 1.0 - 1e-9)) * 3600.0)
        hour_N[n] = hour


@njit(cache=True, nogil=True)
def _sessions(row_N: Any, lanes: Any, repeat: Any, key: Any, session_N: Any) -> Any:
    """The number of each row's session: of its first row, in rounds of `lanes` rows that are dealt out anew.

    A session stays in its lane, from round to round, as long as draws say so. `lanes` is a prime, so that multiplying
    by less is a bijection.
    """
    for n in range(row_N.size):
        turn = row_N[n] // lanes
        factor, shift = draw(key, turn) % np.uint64(max(lanes - 1, 1)), draw(~key, turn) % np.uint64(lanes)
        lane = (row_N[n] % lanes * np.int64(np.uint64(1) + factor) + np.int64(shift)) % lanes
        while turn > 0 and uniform(draw(key ^ _A, turn * lanes + lane)) < repeat:
            turn -= 1
        session_N[n] = turn * lanes + lane


# --- which id it has: drawn, following another field, turned over, once -----------------------------------------------


@njit(cache=True, nogil=True, inline="always")
def _follows(strength: Any, key: Any, own: Any) -> Any:
    """Whether a field follows, by numbers alone: handing on the tuple for each row would take most of the time."""
    return strength >= 1.0 or uniform(draw(key, own)) < strength


@njit(cache=True, nogil=True)
def _bits(own_N: Any, c: Any, f: Any, index_NF: Any, bits_N: Any) -> Any:
    """What the rank of a field is drawn by: its row or session, or the id of the field that it follows."""
    of, other = c.of_F[f], c.otherwise_F[f]
    for n in range(own_N.size):
        if of == FREE:
            bits_N[n] = draw(c.draw_F[f], own_N[n])
            continue
        own = own_N[n] if other < 0 else index_NF[n, other]
        if not _follows(c.strength_F[f], c.follow_F[f], own):
            bits_N[n] = draw(~c.draw_F[f], own)
        else:
            key = c.draw_F[f]
            if c.choices_F[f] > 1.0:
                key += np.uint64(uniform(draw(~c.follow_F[f], own_N[n])) * c.choices_F[f]) * _A
            bits_N[n] = draw(key, index_NF[n, of])


@njit(cache=True, nogil=True)
def _ranks(bits_N: Any, alias: Any, keep: Any, tail: Any, index_N: Any) -> Any:
    for n in range(bits_N.size):
        index_N[n] = rank(bits_N[n], alias, keep, tail)


@njit(cache=True, nogil=True)
def _in_order(own_N: Any, c: Any, f: Any, index_NF: Any, index_N: Any) -> Any:
    """Where a field follows another in the order of its ranks, the rank that stands beside that one's."""
    of, other = c.of_F[f], c.otherwise_F[f]
    for n in range(own_N.size):
        own = own_N[n] if other < 0 else index_NF[n, other]
        if _follows(c.strength_F[f], c.follow_F[f], own):
            index_N[n] = c.beside[c.beside_F[f] + index_NF[n, of] % c.ids_F[of]]


@njit(cache=True, nogil=True)
def _crossed(key: Any, crossed_F: Any, index_NF: Any, index_N: Any) -> Any:
    """One index for the ids of several fields together."""
    for n in range(index_N.size):
        bits = key
        for f in range(crossed_F.size):
            if crossed_F[f]:
                bits = draw(bits, index_NF[n, f])
        index_N[n] = np.int64(bits >> np.uint64(1))


@njit(cache=True, nogil=True)
def _told(of: Any, session_N: Any, hour_N: Any, index_N: Any) -> Any:
    """The hour, the day of the week or the session, whichever the field is."""
    for n in range(index_N.size):
        if of == HOUR:
            index_N[n] = hour_N[n] % HOURS
        elif of == WEEKDAY:
            index_N[n] = hour_N[n] // HOURS % 7
        else:
            index_N[n] = session_N[n]


@njit(cache=True, nogil=True)
def _turn(own_N: Any, time_N: Any, ids: Any, life: Any, fade: Any, key: Any, index_N: Any) -> Any:
    """From ranks to the ids that hold them: a new one every `life` days; the old one lingers for `fade`, on average."""
    for n in range(own_N.size):
        born = time_N[n] / DAY
        if fade > 0:
            born += fade * math.log1p(-uniform(draw(~key, own_N[n])))
        generation = math.floor(born / life + uniform(draw(key, index_N[n])))
        index_N[n] += np.int64(generation) * ids


@njit(cache=True, nogil=True)
def _once(own_N: Any, share: Any, key: Any, index_N: Any) -> Any:
    for n in range(own_N.size):
        if uniform(draw(key, own_N[n])) < share:
            index_N[n] = ONCE + own_N[n]


# --- what ids add to the logits ---------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _biases(id_N: Any, shared_T: Any, own_T: Any, normal: Any, logit_NT: Any) -> Any:
    """Add an id's normals to the logits: one that tasks share, and one of each task's own."""
    for n in range(id_N.size):
        bits = draw(id_N[n], 0)
        common = normal[bits & _MASK]
        for t in range(shared_T.size):
            place = (t + 1) % PER_DRAW
            if place == 0:
                bits = draw(id_N[n], (t + 1) // PER_DRAW)
            own = normal[(bits >> np.uint64(BITS * place)) & _MASK]
            logit_NT[n, t] += shared_T[t] * common + own_T[t] * own


@njit(cache=True, nogil=True)
def _latent(id_N: Any, normal: Any, side_NK: Any) -> Any:
    """Add an id's latent vector to its side of the match."""
    for n in range(id_N.size):
        bits = draw(id_N[n], LATENT)
        for k in range(side_NK.shape[1]):
            if k % PER_DRAW == 0 and k > 0:
                bits = draw(id_N[n], LATENT + k // PER_DRAW)
            side_NK[n, k] += normal[(bits >> np.uint64(BITS * (k % PER_DRAW))) & _MASK]


@njit(cache=True, nogil=True)
def _changed(index_N: Any, time_N: Any, key: Any, share: Any, hours: Any, id_N: Any) -> Any:
    """Give ids that have changed by then the normals of another one: each from a moment of its own on."""
    for n in range(id_N.size):
        u = uniform(draw(key, index_N[n]))
        if u < share and time_N[n] >= u / share * (hours * DAY / HOURS):
            id_N[n] = mix(id_N[n])


@njit(cache=True, nogil=True)
def _matches(
    hour_N: Any, left_NK: Any, right_NK: Any, match_TK: Any, fashion_HK: Any, drift_T: Any, logit_NT: Any
) -> Any:
    for n in range(hour_N.size):
        trend = 0.0
        for k in range(right_NK.shape[1]):
            trend += fashion_HK[hour_N[n], k] * right_NK[n, k]
            left_NK[n, k] *= right_NK[n, k]
        for t in range(drift_T.size):
            match = drift_T[t] * trend
            for k in range(right_NK.shape[1]):
                match += match_TK[t, k] * left_NK[n, k]
            logit_NT[n, t] += match


# --- a field as a whole, and what a policy shows of its candidates ----------------------------------------------------


@njit(cache=True, nogil=True)
def _indices(
    f: Any, c: Any, own_N: Any, session_N: Any, hour_N: Any, time_N: Any, bits_N: Any, index_NF: Any, index_N: Any
) -> Any:
    """The indices of one field, after those that it depends on. own_N: rows or sessions, whichever it is drawn for."""
    if c.of_F[f] == CROSS:
        _crossed(c.draw_F[f], c.crossed_FF[f], index_NF, index_N)
    elif c.of_F[f] < FREE:
        _told(c.of_F[f], session_N, hour_N, index_N)
    else:
        part = slice(c.at_F[f], c.at_F[f] + c.size_F[f])
        _bits(own_N, c, f, index_NF, bits_N)
        _ranks(bits_N, c.alias[part], c.keep[part], c.tail_F8[f], index_N)
        if c.beside_F[f] >= 0:
            _in_order(own_N, c, f, index_NF, index_N)
    if c.life_F[f] > 0:
        _turn(own_N, time_N, c.ids_F[f], c.life_F[f], c.fade_F[f], c.turn_F[f], index_N)
    if c.once_F[f] > 0:
        _once(own_N, c.once_F[f], c.follow_F[f], index_N)


@njit(cache=True, nogil=True)
def _worth(
    own_N: Any, id_N: Any, policy: Any, noise: Any, shared_T: Any, own_T: Any, match_K: Any, normal: Any,
    other_NK: Any, side_NK: Any, worth_NT: Any,
) -> Any:  # fmt: skip
    """What the policy predicts of ids, as far as the logit of one task goes, [N, 1]. match_K: empty without a side."""
    for n in range(own_N.size):
        worth_NT[n, 0] = noise * _normal(draw(~policy, own_N[n]))
    _biases(id_N, shared_T, own_T, normal, worth_NT)
    if match_K.size > 0:
        side_NK[:] = 0.0
        _latent(id_N, normal, side_NK)
        for n in range(own_N.size):
            for k in range(match_K.size):
                worth_NT[n, 0] += match_K[k] * other_NK[n, k] * side_NK[n, k]


@njit(cache=True, nogil=True)
def _shown(
    f: Any, draws: Any, candidates: Any, policy: Any, noise: Any, id_key: Any, shared_T: Any, own_T: Any, match_K: Any,
    normal: Any, row_N: Any, session_N: Any, hour_N: Any, time_N: Any, bits_N: Any, index_NF: Any, other_NK: Any,
    index_N: Any,
) -> Any:  # fmt: skip
    """Of a row's candidates, drawn one as the other, keep the one that the policy predicts most for."""
    size = row_N.size
    own_N, next_N, id_N = row_N.copy(), np.empty(size, np.int64), np.empty(size, np.uint64)
    best_NT, worth_NT, side_NK = np.empty((size, 1)), np.empty((size, 1)), np.empty(other_NK.shape, np.float32)
    for j in range(candidates):
        if j > 0:
            for n in range(size):
                own_N[n] = np.int64(draw(policy + np.uint64(j) * _B, row_N[n]) >> np.uint64(2))
        _indices(f, draws, own_N, session_N, hour_N, time_N, bits_N, index_NF, next_N)
        for n in range(size):
            id_N[n] = draw(id_key, next_N[n])
        _worth(own_N, id_N, policy, noise, shared_T, own_T, match_K, normal, other_NK, side_NK, worth_NT)
        for n in range(size):
            if j == 0 or worth_NT[n, 0] > best_NT[n, 0]:
                best_NT[n, 0], index_N[n] = worth_NT[n, 0], next_N[n]


@njit(cache=True, nogil=True)
def _examined(exponent_F: Any, ids_F: Any, index_NF: Any, examined_N: Any) -> Any:
    """How likely each row is looked at, by its positions."""
    examined_N[:] = 1.0
    for f in range(ids_F.size):
        if exponent_F[f] > 0:
            for n in range(examined_N.size):
                examined_N[n] *= (1.0 + index_NF[n, f] % ids_F[f]) ** -exponent_F[f]


# --- fields of numbers, lists, histories ------------------------------------------------------------------------------


@njit(cache=True, nogil=True, inline="always")
def _normal(bits: Any) -> Any:
    """A standard normal, of two uniforms of 32 bits (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log((np.float64(bits >> _S32) + 0.5) * _HALF))
    return radius * math.cos(2.0 * math.pi * _HALF * np.float64(bits & _LOW))


@njit(cache=True, nogil=True, inline="always")
def _more(bits: Any, log_more: Any) -> Any:
    """From 0 on by a geometric law, whose chance of one more is e to the power of log_more."""
    return np.int64(math.log(1.0 - uniform(bits)) / log_more)


@njit(cache=True, nogil=True)
def _numbers(row_N: Any, numbers: Any, id_NF: Any, number_NP: Any, logit_NT: Any) -> Any:
    """Draw each number, and add its effect to the logits; a missing one is NaN and has none."""
    for p in range(numbers.key_P.size):
        key, of = numbers.key_P[p], numbers.of_P[p]
        for n in range(row_N.size):
            z = numbers.own_P[p] * _normal(draw(key, row_N[n]))
            if of >= 0:
                z += numbers.shared_P[p] * _normal(draw(key ^ id_NF[n, of], 0))
            if uniform(draw(~key, row_N[n])) < numbers.missing_P[p]:
                number_NP[n, p] = np.nan
                continue
            value = numbers.mean_P[p] + numbers.deviation_P[p] * z
            number_NP[n, p] = math.exp(value) if numbers.log_P[p] else value
            effect = numbers.linear_P[p] * z + numbers.curved_P[p] * (z * z - 1.0)
            for t in range(logit_NT.shape[1]):
                logit_NT[n, t] += numbers.weight_PT[p, t] * effect


@njit(cache=True, nogil=True)
def _lists(row_N: Any, lists: Any, normal: Any, index_NF: Any, length_NG: Any, listed_NW: Any, logit_NT: Any) -> Any:
    """Draw the ids of each list, and add the mean of what they would add alone to the logits."""
    tasks = logit_NT.shape[1]
    for g in range(lists.key_L.size):
        key, of, longest = lists.key_L[g], lists.of_L[g], lists.longest_L[g]
        part = slice(lists.rank_L[g], lists.rank_L[g] + lists.size_L[g])
        alias, keep, tail = lists.alias[part], lists.keep[part], lists.tail_L8[g]
        part_JT = np.zeros((longest, tasks))
        for n in range(row_N.size):
            own = draw(key, row_N[n] if of < 0 else index_NF[n, of])
            length = min(lists.shortest_L[g] + _more(own, lists.log_more_L[g]), longest)
            length_NG[n, g] = length
            id_J = listed_NW[n, lists.at_L[g] : lists.at_L[g] + length]
            for j in range(length):
                id_J[j] = draw(lists.id_L[g], rank(draw(own, j), alias, keep, tail))
            part_JT[:length] = 0.0
            _biases(id_J, lists.shared_LT[g], lists.own_LT[g], normal, part_JT)
            for j in range(length):
                for t in range(tasks):
                    logit_NT[n, t] += part_JT[j, t] / length


@njit(cache=True, nogil=True)
def _counted(
    time_N: Any, who_N: Any, key: Any, log_more: Any, per_day: Any, longest: Any, last_N: Any, length_N: Any
) -> Any:
    """How many events of each user lie before a row, at most the longest, and the number of the one to come."""
    for n in range(time_N.size):
        last_N[n] = np.int64(time_N[n] / DAY * per_day + uniform(draw(~key, who_N[n])))
        length_N[n] = min(last_N[n] + _more(draw(key, who_N[n]), log_more), longest)


@njit(cache=True, nogil=True)
def _event(event_N: Any, who_N: Any, key: Any, per_day: Any, then_N: Any, own_N: Any) -> Any:
    """When an event of each user happens, in seconds, and the number that it is drawn by."""
    for n in range(event_N.size):
        then_N[n] = np.int64((event_N[n] + 1 - uniform(draw(~key, who_N[n]))) / per_day * DAY)
        own_N[n] = np.int64(draw(draw(key ^ _A, who_N[n]), event_N[n]) >> np.uint64(2))


@njit(cache=True, nogil=True)
def _noted(j: Any, id_N: Any, side_NK: Any, length_N: Any, listed_NJ: Any, sum_NK: Any) -> Any:
    """Put the last event but j into its place, where there are so many."""
    for n in range(id_N.size):
        if j < length_N[n]:
            listed_NJ[n, length_N[n] - 1 - j] = id_N[n]
            for k in range(side_NK.shape[1]):
                sum_NK[n, k] += side_NK[n, k]


@njit(cache=True, nogil=True)
def _near(sum_NK: Any, side_NK: Any, length_N: Any, match_T: Any, logit_NT: Any) -> Any:
    """Add how near a history is to the id of the row: of ids that have nothing to do with each other, a normal."""
    for n in range(length_N.size):
        near = 0.0
        for k in range(side_NK.shape[1]):
            near += sum_NK[n, k] * side_NK[n, k]
        near /= math.sqrt(max(length_N[n], 1))
        for t in range(match_T.size):
            logit_NT[n, t] += match_T[t] * near


@njit(cache=True, nogil=True)
def _histories(
    q: Any, draws: Any, id_key_F: Any, latent: Any, normal: Any, time_N: Any, hour_N: Any, bits_N: Any, index_NF: Any,
    id_NF: Any, length_NS: Any, listed_NW: Any, logit_NT: Any,
) -> Any:  # fmt: skip
    """Draw what each user did before a row, as the field would be drawn in a row of that user then.

    Event e of a user happens when `per_day` times the days, plus a phase of the user, comes to e + 1.
    """
    size = time_N.size
    last_N, then_N, own_N = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    index_N, id_N = np.empty(size, np.int64), np.empty(size, np.uint64)
    for s in range(q.key_S.size):
        key, of, per_day, at, longest = q.key_S[s], q.of_S[s], q.per_day_S[s], q.at_S[s], q.longest_S[s]
        who_N, length_N = index_NF[:, q.by_S[s]], length_NS[:, s]
        sum_NK, side_NK = np.zeros((size, latent), np.float32), np.zeros((size, latent), np.float32)
        _counted(time_N, who_N, key, q.log_more_S[s], per_day, longest, last_N, length_N)
        most = 0
        for n in range(size):
            most = max(most, length_N[n])
        for j in range(most):
            for n in range(size):
                last_N[n] -= 1
            _event(last_N, who_N, key, per_day, then_N, own_N)
            _indices(of, draws, own_N, own_N, hour_N, then_N, bits_N, index_NF, index_N)
            for n in range(size):
                id_N[n] = draw(id_key_F[of], index_N[n])
            side_NK[:] = 0.0
            _latent(id_N, normal, side_NK)
            _noted(j, id_N, side_NK, length_N, listed_NW[:, at : at + longest], sum_NK)
        side_NK[:] = 0.0
        for n in range(size):
            id_N[n] = id_NF[n, of]
        _latent(id_N, normal, side_NK)
        _near(sum_NK, side_NK, length_N, q.match_ST[s], logit_NT)


# --- a block of rows --------------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _block(
    row_N: Any, c: Any, time_N: Any, index_NF: Any, id_NF: Any, number_NP: Any, length_NG: Any, listed_NW: Any,
    logit_NT: Any, examined_N: Any,
) -> Any:  # fmt: skip
    """Time, ids, other fields, logits without intercepts and attention of one block of ascending rows."""
    size, latent = row_N.size, c.match_TK.shape[1]
    hour_N, bits_N = np.empty(size, np.int64), np.empty(size, np.uint64)
    index_N, id_N = np.empty(size, np.int64), np.empty(size, np.uint64)
    left_NK, right_NK = np.zeros((size, latent), np.float32), np.zeros((size, latent), np.float32)
    logit_NT[:] = 0.0
    _clock(row_N, c.clock_H, c.clock_key, c.rows, time_N, hour_N)
    session_N = row_N
    if c.repeat > 0:
        session_N = np.empty(size, np.int64)
        _sessions(row_N, c.lanes, c.repeat, c.session_key, session_N)
    for f in range(c.id_F.size):
        if c.candidates_F[f] > 1:
            other_NK = right_NK if c.side_F[f] == LEFT else left_NK
            _shown(
                f, c.draws, c.candidates_F[f], c.policy_F[f], c.policy_noise_F[f], c.id_F[f], c.shared_FT[f, :1],
                c.own_FT[f, :1], c.match_TK[0, : latent if c.side_F[f] != 0 else 0], c.normal, row_N, session_N, hour_N,
                time_N, bits_N, index_NF, other_NK, index_N,
            )  # fmt: skip
        else:
            own_N = session_N if c.session_F[f] else row_N
            _indices(f, c.draws, own_N, session_N, hour_N, time_N, bits_N, index_NF, index_N)
        for n in range(size):
            id_N[n] = draw(c.id_F[f], index_N[n])
            index_NF[n, f], id_NF[n, f] = index_N[n], id_N[n]
        if c.changes_F[f] > 0:
            _changed(index_N, time_N, c.change_F[f], c.changes_F[f], c.clock_H.size - 1, id_N)
        _biases(id_N, c.shared_FT[f], c.own_FT[f], c.normal, logit_NT)
        if c.side_F[f] != 0:
            _latent(id_N, c.normal, left_NK if c.side_F[f] == LEFT else right_NK)
    _examined(c.examined_F, c.draws.ids_F, index_NF, examined_N)
    _matches(hour_N, left_NK, right_NK, c.match_TK, c.fashion_HK, c.drift_T, logit_NT)
    _numbers(row_N, c.numbers, id_NF, number_NP, logit_NT)
    _lists(row_N, c.lists, c.normal, index_NF, length_NG, listed_NW, logit_NT)
    _histories(
        c.sequences, c.draws, c.id_F, latent, c.normal, time_N, hour_N, bits_N, index_NF, id_NF,
        length_NG[:, c.lists.key_L.size :], listed_NW, logit_NT,
    )  # fmt: skip
    for t in range(c.scale_T.size):
        for n in range(size):
            logit_NT[n, t] *= c.scale_T[t]


# --- what the sampler calls -------------------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def make_logits(row_M: Any, logit_MT: Any, examined_M: Any, c: Any) -> Any:
    """The logits of rows with ascending numbers, without intercepts, and how likely each is looked at."""
    fields, lists = c.id_F.size, c.lists.key_L.size + c.sequences.key_S.size
    time_N, number_NP = np.empty(BLOCK, np.int64), np.empty((BLOCK, c.numbers.key_P.size), np.float32)
    index_NF, id_NF = np.empty((BLOCK, fields), np.int64), np.empty((BLOCK, fields), np.uint64)
    listed = c.lists.longest_L.sum() + c.sequences.longest_S.sum()
    length_NG, listed_NW = np.empty((BLOCK, lists), np.int64), np.empty((BLOCK, listed), np.uint64)
    for a in range(0, row_M.size, BLOCK):
        n = min(BLOCK, row_M.size - a)
        _block(
            row_M[a : a + n], c, time_N[:n], index_NF[:n], id_NF[:n], number_NP[:n], length_NG[:n], listed_NW[:n],
            logit_MT[a : a + n], examined_M[a : a + n],
        )  # fmt: skip


@njit(cache=True, nogil=True)
def make_rows(
    first: Any,
    c: Any,
    intercept_T: Any,
    time_N: Any,
    index_NF: Any,
    id_NF: Any,
    number_NP: Any,
    length_NG: Any,
    listed_NW: Any,
    label_NT: Any,
    truth_NT: Any,
    delay_NT: Any,
) -> Any:
    """Fill the arrays with the rows from `first` on.

    length_NG, listed_NW: lengths of lists and then of sequences, and the ids of all of them, each with room for its
    longest. delay_NT: seconds from row to conversion, -1 where none.
    """
    logit_NT, examined_N = np.empty((BLOCK, intercept_T.size)), np.empty(BLOCK)
    for a in range(0, time_N.size, BLOCK):
        b = min(a + BLOCK, time_N.size)
        row_N = np.arange(first + a, first + b)
        _block(
            row_N, c, time_N[a:b], index_NF[a:b], id_NF[a:b], number_NP[a:b], length_NG[a:b], listed_NW[a:b],
            logit_NT[: b - a], examined_N[: b - a],
        )  # fmt: skip
        _outcomes(row_N, c, intercept_T, logit_NT, examined_N, label_NT[a:b], truth_NT[a:b], delay_NT[a:b])


@njit(cache=True, nogil=True)
def _outcomes(
    row_N: Any, c: Any, intercept_T: Any, logit_NT: Any, examined_N: Any, label_NT: Any, truth_NT: Any, delay_NT: Any
) -> Any:
    """Truth, labels and delays, each task after the one it is under."""
    for t in range(intercept_T.size):
        under, key, intercept = c.under_T[t], c.label_T[t], intercept_T[t]
        delayed, delay_P, share_P = c.delayed_T[t], c.delay_TP[t], c.delay_share_TP[t]
        for n in range(row_N.size):
            p = 1.0 / (1.0 + math.exp(-(logit_NT[n, t] + intercept)))
            if under < 0:
                p *= examined_N[n]
            happened = (under < 0 or label_NT[n, under] == 1) and uniform(draw(key, row_N[n])) < p
            label_NT[n, t] = happened
            logit_NT[n, t] = p if under < 0 else p * logit_NT[n, under]
            truth_NT[n, t] = logit_NT[n, t]
            delay_NT[n, t] = -1
            if happened:
                delay_NT[n, t] = _quantile(uniform(draw(c.delay_key, row_N[n])), delay_P, share_P) if delayed else 0


@njit(cache=True, nogil=True, inline="always")
def _quantile(u: Any, log_P: Any, share_P: Any) -> Any:
    """Seconds below which a share u of delays lies; log-linear between the knots."""
    p = 0
    while share_P[p + 1] <= u:
        p += 1
    inside = (u - share_P[p]) / (share_P[p + 1] - share_P[p])
    return np.int32(math.exp(log_P[p] + inside * (log_P[p + 1] - log_P[p])))


@njit(cache=True, nogil=True)
def stay(first: int, key: Any, share: float, stays_N: Any) -> Any:
    """Let that share of the rows from `first` on stay which do not anyhow."""
    for n in range(stays_N.size):
        stays_N[n] = stays_N[n] or uniform(draw(key, first + n)) < share


@njit(cache=True, nogil=True)
def mean_and_slope(logit_M: Any, above_M: Any, intercept: float) -> Any:
    """Mean of above * sigmoid(logit + intercept), and its derivative in the intercept."""
    total, slope = 0.0, 0.0
    for m in range(logit_M.size):
        p = 1.0 / (1.0 + math.exp(-(logit_M[m] + intercept)))
        total += above_M[m] * p
        slope += above_M[m] * p * (1.0 - p)
    return total / logit_M.size, slope / logit_M.size
