"""What has to happen in Redis at once, as scripts. Each touches keys of one Cluster slot only."""

from __future__ import annotations

__all__ = ["ABANDON", "APPEND", "BURY", "CLAIM", "EDGES", "FORGET", "HEARD_OF", "OPEN", "RELEASE", "RESTORE", "UPDATE"]

# KEYS: stream, fence. ARGV: number of this append, id, data, how long the fence stays (ms).
# The same append may arrive twice: a first try that nobody got an answer to may still be on its way when
# the second one lands. The fence holds the number of the last append and where it went.
APPEND = """
local last = redis.call('GET', KEYS[2])
if last then
  local number, position = string.match(last, '^(%d+) (.+)$')
  if tonumber(number) >= tonumber(ARGV[1]) then return position end
end
local position = redis.call('XADD', KEYS[1], '*', 'id', ARGV[2], 'data', ARGV[3])
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. position, 'PX', ARGV[4])
return position
"""

# KEYS: session. ARGV: id, stream, position, writer, number of this opening, expiry (ms).
# A late first try does not undo the second one of the same writer.
OPEN = """
local writer = redis.call('HGET', KEYS[1], 'rtaWriter')
if writer then
  local name, number = string.match(writer, '^(%S+) (%d+)$')
  if name == ARGV[4] and tonumber(number) > tonumber(ARGV[5]) then return 0 end
end
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'streamSessionId', ARGV[1], 'streamName', ARGV[2], 'streamPosition', ARGV[3],
  'lastUpdated', now, 'rtaWriter', ARGV[4] .. ' ' .. ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return tonumber(now)
"""

# KEYS: session. ARGV: id, 1 if there is a session JSON, the JSON, start and end of the time range or empty,
# expiry (ms). Times have 19 digits, which Lua's numbers do not hold: they are compared as text.
UPDATE = """
if redis.call('HGET', KEYS[1], 'streamSessionId') ~= ARGV[1] then return 0 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'lastUpdated', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)))
if ARGV[2] == '1' then redis.call('HSET', KEYS[1], 'json', ARGV[3]) end
local function less(a, b)
  local na, nb = string.sub(a, 1, 1) == '-', string.sub(b, 1, 1) == '-'
  if na ~= nb then return na end
  if na then a, b = string.sub(b, 2), string.sub(a, 2) end
  if #a ~= #b then return #a < #b end
  return a < b
end
if ARGV[4] ~= '' then
  local first, last = ARGV[4], ARGV[5]
  local known = redis.call('HMGET', KEYS[1], 'tStart', 'tEnd')
  if known[1] and string.match(known[1], '^-?%d+$') and less(known[1], first) then first = known[1] end
  if known[2] and string.match(known[2], '^-?%d+$') and less(last, known[2]) then last = known[2] end
  redis.call('HSET', KEYS[1], 'tStart', first, 'tEnd', last)
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
"""

# KEYS: stream. What there is of it, without the entries' data: length, entries ever added (-1: this Redis does
# not say), first and last position.
EDGES = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0, '', '0-0'} end
local info, e = redis.call('XINFO', 'STREAM', KEYS[1]), {}
for i = 1, #info, 2 do e[info[i]] = info[i + 1] end
local first = e['first-entry']
return {e['length'], e['entries-added'] or -1, first and first[1] or '', e['last-generated-id']}
"""

# KEYS: session. ARGV: id, `lastUpdated` and session JSON it was judged by, the new JSON.
# Compare and set: of several that judge at the same time, one writes; and none where there has been an update.
ABANDON = """
local now = redis.call('HMGET', KEYS[1], 'streamSessionId', 'lastUpdated', 'json')
if now[1] ~= ARGV[1] or (now[2] or '') ~= ARGV[2] or now[3] ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'json', ARGV[4], 'rtaAbandoned', ARGV[3])
return 1
"""

# KEYS: session. ARGV: id. The session JSON from before it was marked, unless somebody has written one since.
RESTORE = """
local now = redis.call('HMGET', KEYS[1], 'streamSessionId', 'json', 'rtaAbandoned')
if now[1] ~= ARGV[1] or not now[3] then return '' end
redis.call('HDEL', KEYS[1], 'rtaAbandoned', 'rtaAbandonedAt')
if not string.find(string.lower(now[2] or ''), '"abandoned"', 1, true) then return '' end
redis.call('HSET', KEYS[1], 'json', now[3])
return now[3]
"""

# KEYS: stream. ARGV: id, from where on, how many entries to look at. Whether an entry with that id is among them;
# where there are more than can be looked at, it is taken to be.
HEARD_OF = """
local seen = redis.call('XREVRANGE', KEYS[1], '+', ARGV[2], 'COUNT', ARGV[3])
for i = 1, #seen do
  local fields = seen[i][2]
  for j = 1, #fields, 2 do
    if fields[j] == 'id' and fields[j + 1] == ARGV[1] then return 1 end
  end
end
if #seen >= tonumber(ARGV[3]) then return 1 end
return 0
"""

# KEYS: session. ARGV: id, ms since the epoch. Forget it unless it has been updated since.
FORGET = """
local now = redis.call('HMGET', KEYS[1], 'streamSessionId', 'lastUpdated')
if now[1] ~= ARGV[1] or (tonumber(now[2]) or 0) >= tonumber(ARGV[2]) then return 0 end
return redis.call('DEL', KEYS[1])
"""

# KEYS: stream. Remove it unless it has entries again.
BURY = """
if redis.call('XLEN', KEYS[1]) > 0 then return 0 end
return redis.call('DEL', KEYS[1])
"""

# KEYS: claim. ARGV: owner, ms. Set or renewed, unless another one has it.
CLAIM = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# KEYS: claim. ARGV: owner.
RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
