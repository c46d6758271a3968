/* The lease protocol of src/lease.ts: two spenders, one windowed counter, every interleaving.
 *
 *   sh model/check.sh        the protocol holds, and each mistake below is found
 *
 * Time is counted in units, two to a window. A spender that is not scheduled is paused; one that stops taking
 * steps for good is dead; nobody can tell which. The law: in no window is more decided than LIMIT.
 * Mistakes, to see that the model can fail: -DRECLAIM (the store takes a silent spender's slice back),
 * -DFROM_ANSWER (the end is counted from the answer, not from before the question), -DNO_END (slices don't end),
 * -DANY_WINDOW (a slice is given back to whatever window there is), -DTWICE (given back twice, a resent message),
 * -DKEEP (spending from what is on its way back).
 */
#define LIMIT 4
#define UNITS 2
#define LAST 3

byte t;                 /* everybody's clock; spenders read it as their monotonic clock */
byte start, used;       /* the store's row */
byte decided[2];        /* calls let through in each window: what the law is about */

inline take(w, got) {
  /* one atomic step at the store, for a window that may be over by now */
  atomic {
    if
    :: start < w -> start = w; used = 0
    :: else
    fi;
    from = start;
    got = (LIMIT - used + 1) / 2;     /* half of what is left, rounded up */
    used = used + got
  }
}

inline giveback(w, n) {
  atomic {
#ifdef ANY_WINDOW
    used = (used > n -> used - n : 0)
#else
    if
    :: start == w -> used = used - n
    :: else
    fi
#endif
  }
}

active [2] proctype spender() {
  byte asked, end, room, got, win, from, back;
  bool held = false;
  do
  :: !held && t <= LAST ->
       asked = t; win = asked / UNITS;             /* before the question */
       take(win, got);
       /* the answer may take as long as it likes */
       if
       :: from == win ->
#ifdef FROM_ANSWER
            end = t + ((win + 1) * UNITS - asked);
#else
            end = asked + ((win + 1) * UNITS - asked);
#endif
            room = got; held = true
       :: else -> giveback(from, got)              /* charged to a later window: not held */
       fi;
       got = 0
  :: held && room > 0 ->
       atomic {                                    /* look at the clock and spend: one synchronous step */
         if
#ifdef NO_END
         :: true ->
#else
         :: t < end ->
#endif
            room = room - 1;
            decided[t / UNITS] = decided[t / UNITS] + 1;
            assert(decided[t / UNITS] <= LIMIT)
#ifndef NO_END
         :: else -> room = 0; held = false         /* over: what is left is lost */
#endif
         fi
       }
  :: held ->                                       /* stop, or idle: give back what is unspent, once */
       back = room;
#ifndef KEEP
       room = 0;
#endif
       giveback(win, back);
#ifdef TWICE
       if
       :: giveback(win, back)
       :: skip
       fi;
#endif
#ifndef KEEP
       held = false;
#endif
       back = 0
#ifdef RECLAIM
  :: held && room > 0 -> giveback(win, room)       /* the store believes it dead; it was only paused */
#endif
  :: true -> break                                 /* dead: what it held stays spent */
  od
}

active proctype clock() {
  do
  :: t < LAST -> t = t + 1
  :: else -> break
  od
}
