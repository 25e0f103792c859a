// What runs inside Redis, in one step each. Of every topic there are two keys: KEYS[1], a stream of its
// messages, whose ids are their numbers; and KEYS[2], the last number, which outlives the messages, so
// that who has seen the last one is not told to have missed any.

/** A day in milliseconds: how much longer than the messages the last number is kept. */
const DAY = 86_400_000;

/** The last number where one is known. The clock begins a life, so that numbers never go back. */
const NUMBERS = `
local last = redis.call('GET', KEYS[2])
local now = redis.call('TIME')
local clock = string.format('%.0f', now[1] * 1000000 + now[2])
local milliseconds = math.floor(clock / 1000)
`;

/**
 * Numbers a message, keeps and publishes it, and returns its number. ARGV: the channel, the message,
 * the milliseconds that it is kept, how many are kept.
 */
export const APPEND: string = `${NUMBERS}
local number = last and string.format('%.0f', last + 1) or clock
redis.call('SET', KEYS[2], number, 'PX', ARGV[3] + ${DAY})
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[4], number .. '-0', 'm', ARGV[2], 't', milliseconds)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[1], '#' .. number .. ',' .. (last or '0') .. ':' .. ARGV[2])
return number
`;

/**
 * Returns the last number, and the messages behind another one, each after its number. ARGV: the
 * milliseconds that a message is kept, the number or nothing.
 */
export const READ: string = `${NUMBERS}
if not last then last = clock end
redis.call('SET', KEYS[2], last, 'PX', ARGV[1] + ${DAY})
local found = { last }
if ARGV[2] == '' or tonumber(ARGV[2]) >= tonumber(last) then return found end
local first = string.format('%.0f', ARGV[2] + 1)
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], first, '+')) do
  if #found > 1 or tonumber(entry[2][4]) + ARGV[1] >= milliseconds then
    found[#found + 1] = string.match(entry[1], '^%d+')
    found[#found + 1] = entry[2][2]
  end
end
return found
`;
