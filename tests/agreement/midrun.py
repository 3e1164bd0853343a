"""Drawn programs that are loaded from the machine, wherever it stands."""
from __future__ import annotations
import random, sys, tempfile
from collections import Counter
from pathlib import Path
if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]
from agreement.lowered import Author, imported
from agreement.started import Starter
from agreement.suspended import taken
from interleave.compiled.lower.suspended import Loader
from interleave.compiled.plain import Plain
from interleave.errors import LoweringError
from interleave.machine import Machine
from interleave.scenario import as_program
from interleave.silence import silenced

def fault(program, dice, count):
    loader = Loader(program)
    system, plain = loader.system, Plain(loader.system)
    machine, state = Machine(program), system.initial
    try:
        for c in system.before: machine.step(c)
        for n in range(200):
            try:
                mine = loader.load(machine)
                count['ok'] += 1
                if loader.gist(mine) != loader.gist(state):
                    d=[(a,b) for a,b in zip(loader.gist(mine), loader.gist(state)) if a!=b]
                    return f"after {n} steps {system.before}{machine.path}: {d}"
            except LoweringError as e:
                count[str(e).split(':',1)[1][:60] if 0 else 'REF '+str(e).split(': ',1)[1].split(' - ')[0]] += 1
            if plain.is_over(state) or not machine.choices(): break
            choice = dice.choice(machine.choices())
            machine.step(choice)
            state = taken(plain, state, choice)
            assert state is not None
    finally:
        machine.dispose()
    return ""
import traceback
tot=Counter()
a,b=int(sys.argv[1]),int(sys.argv[2])
import re
for author in (Author, Starter):
    with tempfile.TemporaryDirectory() as folder:
        for number in range(a,b):
            m = imported(author(number).program(), f"{author.__name__}_mid_{number}", Path(folder))
            count=Counter()
            with silenced():
              try:
                told = fault(as_program(m.program), random.Random(number), count)
              except LoweringError: continue
              except Exception as e:
                told=traceback.format_exc()[-700:]
            if told: print(author.__name__, number, told)
            for k,v in count.items(): tot[re.sub(r'\d+','N',k)]+=v
for k,v in tot.most_common(40): print(v,k)
