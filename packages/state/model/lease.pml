/* The lease protocol of src/lease.ts: two spenders, one windowed counter, every interleaving.
 *
 *   sh model/check.sh        the protocol holds, and each mistake below is found
 *
 * Time is counted in units, two to a window. A spender that is not scheduled is paused; one that stops taking
 * steps for good is dead; nobody can tell which. A slice may be refilled while it is held, a call in flight may
 * settle back into it, an answer of the store may be lost, and (-DRESET) an operator may reset the store, which
 * then counts from nothing, as after a flush. The law: in no window is more decided than LIMIT, counted from the
 * reset on.
 * Mistakes, to see that the model can fail: -DRECLAIM (the store takes a silent spender's slice back),
 * -DFROM_ANSWER (the end is counted from the answer, not from before the question), -DNO_END (slices don't end),
 * -DANY_WINDOW (a slice is given back to whatever window there is), -DTWICE (given back twice, a resent message),
 * -DKEEP (spending from what is on its way back); with -DRESET also -DOLD_SLICE (slices are spent in another era), -DOLD_REFUND (given back to another era),
 * -DNO_QUIET (the reset does not wait until every spender has either heard of it or stopped).
 */
#ifndef LIMIT
#define LIMIT 3
#endif
#define UNITS 2
#define LAST 3

byte t;                 /* everybody's clock; spenders read it as their monotonic clock */
byte start, used;       /* the store's row */
byte era;               /* the store's era; LOST while an operator resets it */
#define LOST 9
byte decided[2];        /* calls let through in each window, in this era: what the law is about */

/* One atomic step at the store, for a window that may be over by now. */
inline take(w, got) {
  atomic {
    if
    :: era == LOST -> got = 0; gave = LOST
    :: else ->
       gave = era;
       if
       :: start < w -> start = w; used = 0
       :: else
       fi;
       from = start;
       got = (LIMIT - used + 1) / 2;     /* half of what is left, rounded up */
       used = used + got
    fi
  }
}

inline giveback(w, n, e) {
  atomic {
#ifdef ANY_WINDOW
    used = (used > n -> used - n : 0)
#else
    if
#ifdef OLD_REFUND
    :: start == w && era != LOST -> used = (used > n -> used - n : 0)
#else
    :: start == w && era == e -> used = used - n
#endif
    :: else
    fi
#endif
  }
}

/* What no longer matters is set to nothing, so that fewer states differ. */
inline forget() {
  if
  :: !held -> end = 0; win = 0; mine = 0; known = 0; heard = 0
  :: else
  fi
}

/* What the spender knows of the store's era counts for the unit of time in which it was asked for. */
inline poll() { atomic { known = era; heard = t } }

#ifdef OLD_SLICE
#define MAY true
#else
#define MAY (mine == known && heard == t)
#endif

active [2] proctype spender() {
  byte asked, end, room, got, win, from, back, mine, gave, known, heard, flying, flew;
  bool held = false;
  do
  :: (!held || room == 0) && flying == 0 ->   /* a first slice, or a refill of the one that is held */
       poll();
       asked = t;
       if
       :: !held -> win = asked / UNITS
       :: held && asked / UNITS != win -> room = 0; held = false; win = asked / UNITS
       :: else
       fi;
       take(win, got);
       if
       :: got = 0; gave = LOST                       /* the answer is lost: what the store gave stays spent */
       :: skip                                     /* or it takes as long as it likes */
       fi;
       poll();
       if
       :: gave == LOST || got == 0 -> skip
       :: gave != LOST && got > 0 && (from != win || gave != known) -> giveback(from, got, gave)
       :: gave != LOST && got > 0 && from == win && gave == known ->
            if
            :: held && mine == gave && t < end -> room = room + got
            :: else ->
#ifdef FROM_ANSWER
               end = t + ((win + 1) * UNITS - asked);
#else
               end = asked + ((win + 1) * UNITS - asked);
#endif
               room = got; mine = gave; held = true; flew = 0
            fi
       fi;
       got = 0; gave = 0; from = 0; asked = 0;
       forget()
  :: held && heard != t -> poll()
  :: held && room > 0 && flying == 0 ->
       atomic {                                    /* look at clock and era, and spend: one synchronous step */
         if
#ifdef NO_END
         :: MAY ->
#else
         :: t < end && MAY ->
#endif
            room = room - 1;
            decided[t / UNITS] = decided[t / UNITS] + 1;
            assert(decided[t / UNITS] <= LIMIT);
            flying = 1; flew = t / UNITS + 1
         :: else ->
            if
            :: heard != t -> skip                  /* not known at the moment: asks first */
            :: else -> room = 0; held = false; forget()   /* over, or another era: what is left is lost */
            fi
         fi
       }
  :: flying > 0 ->                                 /* the call in flight ends: it cost what it cost */
       flying = 0; flew = 0
  :: flying > 0 ->                                 /* or it cost nothing, and settles back into its slice */
       atomic {
         flying = 0;
         if
         :: held && t < end && mine == known && heard == t && mine == era && flew > 0 && decided[flew - 1] > 0 ->
            room = room + 1; decided[flew - 1] = decided[flew - 1] - 1
         :: else
         fi;
         flew = 0
       }
  :: held ->                                       /* stop, or idle: give back what is unspent, once */
       back = room;
#ifndef KEEP
       room = 0;
#endif
       giveback(win, back, mine);
#ifdef TWICE
       if
       :: giveback(win, back, mine)
       :: skip
       fi;
#endif
#ifndef KEEP
       held = false;
#endif
       back = 0;
       forget()
#ifdef RECLAIM
  :: held && room > 0 -> giveback(win, room, mine) /* the store believes it dead; it was only paused */
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

#ifdef RESET
active proctype operator() {
  byte from;
  atomic { era = LOST; from = t };
#ifndef NO_QUIET
end_wait:
  (t > from);            /* longer than what anybody knows is believed */
#endif
  atomic { era = 1; start = 0; used = 0; decided[0] = 0; decided[1] = 0 }
}
#endif
