import { describe, expect, it } from 'vitest';
import { address_of, scenario_of } from './source';

describe('a scenario in the address', () => {
  it('is read as it is written', () => {
    const scenario = { nodes: 5, action: [{ at: '3s', crash: 'n1' }], name: 'größer' };
    expect(scenario_of(address_of(scenario))).toEqual(scenario);
    expect(scenario_of(JSON.stringify(scenario))).toEqual(scenario);
  });
  it('is refused in words', () => {
    expect(() => scenario_of('###')).toThrow('neither JSON nor base64');
    expect(() => scenario_of(address_of({ nodes: 5 }).slice(0, -4))).toThrow('torn');
  });
});
